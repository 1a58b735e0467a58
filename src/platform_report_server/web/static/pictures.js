// Shows pictures at their full size, and moves what lies over another where two are compared.
"use strict";
(() => {
  const STEP = 1.25, LEAST = 0.05, MOST = 16;
  let at = null, picture = null, scale = 0;  // 0: it fits

  const links = () => [...document.querySelectorAll("a[data-picture]")];
  const frame = () => document.getElementById("zoom");  // it comes with the first picture of a run that goes on

  function show(link) {
    const zoom = frame(), all = links();
    at = link;
    scale = 0;
    picture = new Image();
    picture.src = link.dataset.picture;
    picture.alt = link.dataset.name;
    zoom.querySelector(".canvas").replaceChildren(picture);
    for (const name of ["previous", "next"]) zoom.querySelector(`[data-do=${name}]`).disabled = all.length < 2;
    draw();
    if (zoom.open) return;
    zoom.showModal();
    zoom.querySelector(".canvas").focus();
  }

  function draw() {
    const all = links();
    picture.classList.toggle("fitting", !scale);
    picture.style.width = scale ? `${picture.naturalWidth * scale}px` : "";
    const size = scale ? `, ${Math.round(scale * 100)} %` : "";
    document.getElementById("zoom-name").textContent = `${at.dataset.name}, ${all.indexOf(at) + 1} of ${all.length}${size}`;
  }

  function move(steps) {
    const all = links();
    show(all[(all.indexOf(at) + steps + all.length) % all.length]);
  }

  function resize(factor) {
    const now = scale || picture.width / picture.naturalWidth;
    if (!now || !isFinite(now)) return;  // it is on its way
    scale = Math.min(MOST, Math.max(LEAST, now * factor));
    draw();
  }

  const deeds = {
    previous: () => move(-1),
    next: () => move(1),
    smaller: () => resize(1 / STEP),
    larger: () => resize(STEP),
    fit: () => { scale = 0; draw(); },
    close: () => frame().close(),
  };
  const keys = { "+": "larger", "=": "larger", "-": "smaller", "0": "fit", ArrowLeft: "previous", ArrowRight: "next" };

  document.addEventListener("click", (event) => {
    if (event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    const link = event.target.closest("a[data-picture]"), button = event.target.closest("#zoom [data-do]");
    if (link) {
      event.preventDefault();
      show(link);
    } else if (button) {
      deeds[button.dataset.do]();
    }
  });
  document.addEventListener("keydown", (event) => {
    const deed = keys[event.key], zoom = frame();
    if (!zoom || !zoom.open || !deed || event.ctrlKey || event.metaKey || event.altKey) return;
    if (scale && event.key.startsWith("Arrow")) return;  // then it moves the picture in its frame
    event.preventDefault();
    deeds[deed]();
  });

  for (const slider of document.querySelectorAll(".slider")) {
    const range = slider.querySelector("input"), pictures = document.querySelector(".pictures");
    const slide = () => pictures.style.setProperty("--at", range.value / 100);
    slider.hidden = false;
    range.addEventListener("input", slide);
    slide();
  }
})();
