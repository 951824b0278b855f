// Optional: every page does all it must without this file. It never writes HTML, only text and attributes.
"use strict";

// "/" goes to the search field; Escape leaves an order by the same link that Cancel is.
addEventListener("keydown", (e) => {
  const typing = e.target.closest("input, textarea, select");
  const find = document.getElementById("find");
  if (e.key === "/" && !typing && !e.ctrlKey && !e.metaKey && find && !find.closest("[inert]")) {
    e.preventDefault();
    find.focus();
  }
  if (e.key === "Escape") document.querySelector("[data-escape]")?.click();
});

// An order is a modal: Tab stays inside it. (The page behind it is inert already.)
const order = document.querySelector("dialog.order[open]");
order?.addEventListener("keydown", (e) => {
  if (e.key !== "Tab") return;
  const stops = [...order.querySelectorAll("a[href], button, textarea, input:not([type=hidden]), summary")];
  const [from, to] = e.shiftKey ? [stops[0], stops.at(-1)] : [stops.at(-1), stops[0]];
  if (document.activeElement === from) { e.preventDefault(); to.focus(); }
});

// Live parts: the hub sends {"slot": "text"}; a slot is an element with data-slot, or its attribute that data-as
// names. What a slot cannot hold, such as a new row of a list, is told by the note that offers the page anew.
const from = document.body.dataset.events;
const state = document.querySelector("[data-live]");
const stale = document.querySelector("[data-stale]");
const number = (text) => Number(text.replaceAll(",", ""));
if (from && state && window.EventSource) {
  const source = new EventSource(from);
  source.onopen = () => { state.textContent = "Live"; state.classList.add("on"); };
  source.onerror = () => { state.textContent = "Not live, trying again"; state.classList.remove("on"); };
  source.onmessage = (message) => {
    const slots = JSON.parse(message.data);
    // The first figures may be a second older than the page, which then knows better.
    const news = slots.entries ? number(slots.entries) - number(document.body.dataset.entries) : 0;
    if (news < 0) return;
    for (const [slot, text] of Object.entries(slots))
      for (const at of document.querySelectorAll(`[data-slot="${CSS.escape(slot)}"]`)) {
        if (at.dataset.as) at.setAttribute(at.dataset.as, text);
        else at.textContent = text;
      }
    if (stale && news > 0) stale.hidden = false;
  };
}
