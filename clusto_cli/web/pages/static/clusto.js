// All that pages do beyond HTML: completion of searches, the number beside the slider, changes as they come.
"use strict";

for (const input of document.querySelectorAll("input[data-complete]")) {
  const list = document.createElement("datalist");
  list.id = `${input.id}-candidates`;
  input.after(list);
  input.setAttribute("list", list.id);
  let asked = "";
  let waiting;
  input.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(async () => {
      if (input.value === asked) return;
      asked = input.value;
      const answer = await fetch(`${input.dataset.complete}?q=${encodeURIComponent(asked)}`);
      if (!answer.ok || input.value !== asked) return;
      const texts = await answer.json();
      list.replaceChildren(...texts.map((text) => Object.assign(document.createElement("option"), { value: text })));
    }, 120);
  });
}

document.addEventListener("input", (event) => {
  if (event.target.matches("input[data-slider]")) {
    event.target.form.querySelector("output").textContent = event.target.value;
  }
});

// A browser has few connections to one server: only the page that is looked at holds one.
const shown = document.querySelector("main[data-live]");
if (shown && window.EventSource) {
  const about = shown.dataset.live;
  const news = document.getElementById("news");
  let number = Number(shown.dataset.number);
  let stream = null;

  const listen = () => {
    stream = new EventSource(`/live?since=${number}`);
    stream.addEventListener("change", async (event) => {
      const change = JSON.parse(event.data);
      number = change.number;
      if (about !== "*" && change.names && !change.names.includes(about)) return;
      const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
      if (!answer.ok) return;
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      // What somebody is writing is left alone.
      if (!shown.querySelector("form :focus")) shown.replaceChildren(...page.querySelector("main").childNodes);
      news.textContent = `Changed by ${change.user} in transaction ${change.number}`;
    });
  };
  const leave = () => {
    stream?.close();
    stream = null;
  };
  const heed = () => (document.visibilityState === "visible" ? stream ?? listen() : leave());

  document.addEventListener("visibilitychange", heed);
  window.addEventListener("pagehide", leave);
  window.addEventListener("pageshow", heed);
}
