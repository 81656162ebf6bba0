// Single keys for the desk: j and k walk through rows, every other key presses what carries it in `data-key`.
// Agents can switch them off in their settings; then this file is not loaded (WCAG 2.2, 2.1.4).
(() => {
  const TYPING = "input:not([type=checkbox]):not([type=radio]), textarea, select, [contenteditable]";
  let last = -1;

  const rows = () => [...document.querySelectorAll("[data-row]")];
  const door = (row) => row.querySelector("[data-open]") || row.querySelector("a[href]");

  // To the next row, or back; the link of a row has the focus, so Enter opens it without us.
  function walk(step) {
    const all = rows();
    if (!all.length) return;
    const here = all.findIndex((row) => row.contains(document.activeElement));
    const from = here >= 0 ? here : Math.min(last, all.length - 1);
    last = Math.max(0, Math.min(all.length - 1, from + step));
    door(all[last]).focus();
    all[last].scrollIntoView({ block: "nearest" });
  }

  function help() {
    const keys = document.getElementById("all-keys");
    if (keys && !keys.open) keys.showModal();
  }

  // What carries the key and can be seen: fields get the focus, everything else is pressed.
  function press(key) {
    const found = [...document.querySelectorAll("[data-key]")].find(
      (one) => one.dataset.key === key && !one.disabled && one.checkVisibility({ visibilityProperty: true }),
    );
    if (!found) return false;
    if (found.matches("summary, button, a")) found.click();
    else found.focus();
    return true;
  }

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || event.defaultPrevented) return;
    if (document.querySelector("dialog[open]")) return;
    const typing = event.target.closest?.(TYPING);
    if (event.key === "Escape" && typing) typing.blur();
    if (typing || event.key.length !== 1) return;
    let used = true;
    if (event.key === "j") walk(1);
    else if (event.key === "k") walk(-1);
    else if (event.key === "?") help();
    else used = press(event.key);
    if (used) event.preventDefault();
  });

  // A line that promises keys is shown only where they work.
  const unhide = () => document.querySelectorAll("[data-keys]").forEach((line) => { line.hidden = false; });
  document.addEventListener("htmx:after:swap", unhide);
  document.addEventListener("DOMContentLoaded", unhide);
})();
