/* List: the schools in view, the worst first, in the rows that the server wrote and in no other words. */
(function () {
  "use strict";
  const atlas = window.EnlaceAtlas;
  const CLASSES = { BELOW: "below", BORDERLINE: "border", MEETS: "meets", INSUFFICIENT: "insuf", NOT_TESTABLE: "nott", NONE: "insuf" };

  /* The address of this page with some parameters changed; null takes one away. */
  atlas.address = function (changes) {
    const url = new URL(window.location.href);
    Object.keys(changes).forEach(function (name) {
      url.searchParams.delete(name);
      [].concat(changes[name] === null ? [] : changes[name]).forEach((value) => url.searchParams.append(name, value));
    });
    url.hash = "";
    return url;
  };

  atlas.remember = (changes) => window.history.replaceState(null, "", atlas.address(changes));

  /* A row of one school, for the list and for a pop-up of several. */
  atlas.row = function (data, i, schools) {
    const row = document.getElementById("map-row").content.querySelector("li").cloneNode(true);
    const verdict = atlas.verdictOf(data, i), isOut = data.isOut.has(i), pin = row.querySelector(".pin"), use = pin.querySelector("use");
    row.dataset.code = data.code[i];
    pin.className = "pin i-" + (isOut ? "below" : CLASSES[verdict]);
    pin.href = atlas.address({ school: data.code[i] }).href + "#picked";
    pin.setAttribute("aria-label", atlas.fill(isOut ? atlas.says.pinOut : atlas.says.pin, { name: data.name[i], verdict: atlas.says.verdicts[verdict] }));
    use.setAttribute("href", use.getAttribute("href").split("#")[0] + "#" + (isOut ? "outage" : CLASSES[verdict]));
    const name = row.querySelector(".name");
    name.textContent = data.name[i];
    name.href = schools + data.code[i].split("/").map(encodeURIComponent).join("/");
    const facts = [data.areas[data.area[i]], data.providers[data.provider[i]]].filter(Boolean);
    if (data.lat[i] === null) facts.push(atlas.says.placeless);
    row.querySelector(".who small").textContent = facts.join(" · ");
    row.querySelector(".num b").textContent = atlas.typical(data.typical[i]);
    row.querySelector(".num small").textContent =
      data.target[i] === null ? "" : atlas.fill(atlas.says.of, { n: atlas.target(data.target[i]) });
    return row;
  };

  atlas.List = class {
    /* pick(i, row) is called when a row is chosen. */
    constructor(data, schools, rows, pick) {
      this.data = data;
      this.schools = schools;
      this.rows = rows;
      this.first = 0;
      this.found = [];
      this.box = document.getElementById("map-rows");
      this.heading = document.getElementById("map-heading");
      this.chosen = null;
      this.box.addEventListener("click", (event) => {
        const row = event.target.closest("li"), link = event.target.closest("a");
        if (!row || (link && !link.classList.contains("pin")) || event.ctrlKey || event.metaKey || event.shiftKey) return;
        event.preventDefault();
        pick(data.numberOf.get(row.dataset.code), link);
      });
      [["map-back", -1], ["map-next", 1]].forEach(([id, way]) => {
        document.getElementById(id).addEventListener("click", (event) => {
          if (!event.target.closest("a")) return;
          event.preventDefault();
          this.first = Math.max(0, this.first + way * this.rows);
          this.draw();
          this.heading.focus();
        });
      });
    }

    show(found, first) {
      this.found = found;
      this.first = first < found.length ? first : 0;
      this.draw();
    }

    choose(i) {
      this.chosen = i;
      this.mark();
    }

    mark() {
      const code = this.chosen === null ? null : this.data.code[this.chosen];
      Array.from(this.box.children).forEach((row) => row.classList.toggle("chosen", row.dataset.code === code));
    }

    draw() {
      const holder = document.activeElement && document.activeElement.closest("#map-rows li");
      const held = holder && [holder.dataset.code, document.activeElement.className];
      const part = document.createDocumentFragment(), end = Math.min(this.first + this.rows, this.found.length);
      for (let k = this.first; k < end; k++) part.appendChild(atlas.row(this.data, this.found[k], this.schools));
      this.box.textContent = "";
      this.box.appendChild(part);
      this.heading.textContent = atlas.many(atlas.says.inView, this.found.length);
      this.turn("map-back", this.first > 0, atlas.says.back, this.rows, this.first / this.rows);
      this.turn("map-next", end < this.found.length, atlas.says.next, Math.min(this.rows, this.found.length - end), this.first / this.rows + 2);
      this.mark();
      if (held) {
        const row = Array.from(this.box.children).find((one) => one.dataset.code === held[0]);
        const link = row && row.querySelector(held[1].startsWith("pin") ? ".pin" : ".name");
        if (link) link.focus();
      }
    }

    turn(id, is_there, words, count, page) {
      const place = document.getElementById(id);
      place.textContent = "";
      if (!is_there) return;
      const link = document.createElement("a");
      link.href = atlas.address({ page: page > 1 ? String(page) : null }).href;
      link.textContent = atlas.fill(words, { n: atlas.number(count) });
      place.appendChild(link);
    }
  };
})();
