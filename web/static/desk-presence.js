// Says that this page of a case is open, and whether somebody writes in it, so that others see it. Optional: without it
// the page works, and its reader is not shown to others.
(() => {
  const BEAT = 15000; // as `storage.presence.BEAT`
  const address = location.pathname.replace(/\/(decision|preview|take|release|note|message|reveal)$/, "") + "/presence";
  let typedAt = 0;
  let saidWriting = false;
  let said = Promise.resolve(); // one after the other: what was said last has to arrive last

  function say(is) {
    const form = new URLSearchParams({ is });
    if (is === "gone") navigator.sendBeacon(address, form);
    else said = said.then(() => fetch(address, { method: "POST", body: form, keepalive: true })).catch(() => {});
  }

  // Nobody looks at a page in the background.
  function beat() {
    if (document.visibilityState !== "visible") return;
    saidWriting = Date.now() - typedAt < BEAT;
    say(saidWriting ? "writing" : "");
  }

  document.addEventListener("input", (event) => {
    if (!event.target.matches("[data-writes]")) return;
    typedAt = Date.now();
    if (!saidWriting) beat();
  });
  document.addEventListener("visibilitychange", () => (document.visibilityState === "visible" ? beat() : say("gone")));
  addEventListener("pagehide", () => say("gone"));
  setInterval(beat, BEAT);
  beat();
})();
