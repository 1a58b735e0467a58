// Keeps a page as the server would show it now, as long as somebody looks at it.
"use strict";
(() => {
  const AGAIN_MS = 60000, QUIET_MS = 15000;
  const live = document.getElementById("live"), told = document.getElementById("told");
  let source = null, retry = 0, isRenewing = false, isStale = false, isOver = false;
  let spokeAt = Date.now(), speaking = 0, state = live.dataset.state;

  function follow() {
    clearTimeout(retry);
    if (source || isOver || document.hidden) return;
    source = new EventSource(live.dataset.feed);
    source.addEventListener("changed", renew);
    source.addEventListener("over", () => { isOver = true; leave(); say("This page follows its runs no longer."); });
    source.addEventListener("error", (event) => {
      if (event.target.readyState !== EventSource.CLOSED) return;  // else the browser tries again by itself
      leave();
      retry = setTimeout(follow, AGAIN_MS);
    });
  }

  // a browser has few connections to a server: windows that nobody sees must not hold them all
  function leave() {
    if (source) source.close();
    source = null;
  }

  async function renew() {
    isStale = true;
    if (isRenewing) return;
    isRenewing = true;
    while (isStale && !document.hidden) {
      isStale = false;
      const began = performance.now();
      try {
        await fetchPage();
      } catch (error) {
        break;  // the server is away: it tells of the change again when it is back
      }
      // a server that takes its time gets some
      await new Promise((resume) => setTimeout(resume, 4 * (performance.now() - began)));
    }
    isRenewing = false;
  }

  async function fetchPage() {
    const options = { headers: { "HX-Request": "true" }, redirect: "error", cache: "no-store" };
    const response = await fetch(location.href, options);
    if (!response.ok) return;
    const swap = { target: live, sourceElement: live, select: "#live", swap: "outerMorph" };
    await htmx.swap({ ...swap, text: await response.text() });
    speak();
  }

  // totals are read aloud at the end of a run, and before that now and then
  function speak() {
    const hasEnded = live.dataset.state !== state, wait = spokeAt + QUIET_MS - Date.now();
    state = live.dataset.state;
    clearTimeout(speaking);
    if (hasEnded || wait <= 0) say(live.dataset.told);
    else speaking = setTimeout(() => say(live.dataset.told), wait);
  }

  function say(words) {
    spokeAt = Date.now();
    if (told.textContent !== words) told.textContent = words;
  }

  document.addEventListener("visibilitychange", () => (document.hidden ? leave() : follow()));
  addEventListener("pagehide", leave);
  addEventListener("pageshow", follow);
  follow();
})();
