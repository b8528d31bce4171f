/** The page's own behaviour; everything else is htmx. */
const live = document.getElementById("live");
const lost = document.getElementById("lost");

// Nobody looks at a hidden page, so that it asks for nothing until it is seen again.
document.addEventListener("htmx:before:request", (event) => {
  if (document.hidden && event.detail.ctx.sourceElement === live) event.preventDefault();
});
document.addEventListener("visibilitychange", () => {
  if (!document.hidden) document.body.dispatchEvent(new CustomEvent("sandbox-changed"));
});

document.addEventListener("htmx:error", () => (lost.hidden = false));
document.addEventListener("htmx:after:request", () => (lost.hidden = true));

// A defect of the sandbox, or its refusal of another website, is no piece of a page.
document.addEventListener("htmx:before:swap", (event) => {
  const { response, text } = event.detail.ctx;
  if (response.headers.get("content-type")?.startsWith("text/html")) return;
  event.preventDefault();
  document.getElementById("status").textContent = `Refused with ${response.status}: ${text}`;
});

// A button goes when it has done its work. A person who pressed it by keyboard stays in its row.
let row = null;
document.addEventListener("focusin", ({ target }) => (row = target.closest("tr, #history")?.id ?? null));
document.addEventListener("htmx:after:swap", () => {
  if (row === null || document.activeElement !== document.body) return;
  document.getElementById(row)?.querySelector("a, button")?.focus({ preventScroll: true });
});

document.addEventListener("click", ({ target }) => {
  const id = target.closest("[data-copy]")?.dataset.copy;
  if (id !== undefined) void copy(id);
});

async function copy(id) {
  await navigator.clipboard.writeText(id);
  document.getElementById("status").textContent = `Copied ${id}.`;
}
