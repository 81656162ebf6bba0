// Shows or hides a password. Without script the button stays hidden, so nothing is promised that does not work.
document.addEventListener("click", (event) => {
  const button = event.target.closest("button[data-reveal]");
  if (!button) return;
  const field = document.getElementById(button.dataset.reveal);
  const shown = field.type === "text";
  field.type = shown ? "password" : "text";
  button.setAttribute("aria-pressed", String(!shown));
  button.querySelector("span").textContent = shown ? "Show" : "Hide";
  field.focus();
});

// A password must not stay readable, nor be offered as a remembered text, after the form was sent.
document.addEventListener("submit", (event) => {
  for (const button of event.target.querySelectorAll("button[data-reveal]")) {
    document.getElementById(button.dataset.reveal).type = "password";
  }
}, true);

function unhide(root) {
  for (const button of root.querySelectorAll("button[data-reveal]")) button.hidden = false;
}
document.addEventListener("htmx:after:swap", () => unhide(document));
document.addEventListener("DOMContentLoaded", () => unhide(document));
