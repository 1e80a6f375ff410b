/* Marks: the shapes of the verdicts as the sprite has them, rings for several schools, on a canvas. */
(function () {
  "use strict";
  const atlas = window.EnlaceAtlas;
  /* Each in a square of 16: [path, whether it is filled, width of its line, dashes]. */
  const SHAPES = {
    BELOW: [["M.8 2.2h14.4L8 14.6z", true]],
    BORDERLINE: [["M8 1v14L1 8z", true], ["M8 1.6 14.4 8 8 14.4 1.6 8z", false, 1.5]],
    MEETS: [["M8 1a7 7 0 1 1 0 14A7 7 0 0 1 8 1zM4.1 8.3l2.7 2.8 5.2-5.3-1.3-1.3-3.9 4-1.4-1.5z", true]],
    INSUFFICIENT: [["M14.2 8a6.2 6.2 0 1 1-12.4 0 6.2 6.2 0 0 1 12.4 0z", false, 1.7, [2.4, 1.5]]],
    NOT_TESTABLE: [["M2 2h12v12H2zM2.4 13.6 13.6 2.4", false, 1.7]],
    OUTAGE: [["M8 1.8a6.2 6.2 0 1 1 0 12.4A6.2 6.2 0 0 1 8 1.8zM5.4 5.4l5.2 5.2M10.6 5.4l-5.2 5.2", false, 1.7]],
  };
  SHAPES.NONE = SHAPES.INSUFFICIENT;
  const TOKENS = { BELOW: "below", BORDERLINE: "border", MEETS: "meets", INSUFFICIENT: "insuf", NOT_TESTABLE: "nott", NONE: "insuf", OUTAGE: "below" };
  const ORDER = ["OUTAGE", "BELOW", "BORDERLINE", "NOT_TESTABLE", "INSUFFICIENT", "NONE", "MEETS"];
  const PATHS = {};
  Object.keys(SHAPES).forEach(function (name) {
    PATHS[name] = SHAPES[name].map((part) => [new Path2D(part[0])].concat(part.slice(1)));
  });

  /* The page's colours, read again when the theme changes. */
  atlas.colours = function () {
    const style = getComputedStyle(document.documentElement), found = {};
    const names = ["surface", "ink", "ink2", "accent", "sea", "land", "coast", "insuf", "ramp-few", "on-ramp", "on-dark-ramp"];
    names.concat([0, 1, 2, 3, 4].map((step) => "ramp-" + step)).forEach(function (name) {
      found[name] = style.getPropertyValue("--" + name).trim();
    });
    found.verdicts = {};
    Object.keys(TOKENS).forEach(function (name) {
      found.verdicts[name] = style.getPropertyValue("--" + TOKENS[name]).trim();
    });
    found.font = getComputedStyle(document.body).fontFamily;
    return found;
  };

  /* One school: its shape on a disc of the surface's colour; the chosen one has a ring. */
  atlas.drawSchool = function (pen, x, y, verdict, colours, chosen) {
    pen.save();
    pen.translate(x, y);
    pen.fillStyle = colours.surface;
    pen.beginPath();
    pen.arc(0, 0, chosen ? 13 : 9.5, 0, 2 * Math.PI);
    pen.fill();
    if (chosen) {
      pen.strokeStyle = colours.accent;
      pen.lineWidth = 2.5;
      pen.stroke();
    }
    const size = chosen ? 15 : 13;
    pen.scale(size / 16, size / 16);
    pen.translate(-8, -8);
    pen.fillStyle = pen.strokeStyle = colours.verdicts[verdict];
    PATHS[verdict].forEach(function (part) {
      if (part[1]) {
        pen.fill(part[0], "evenodd");
      } else {
        pen.lineWidth = part[2];
        pen.setLineDash(part[3] || []);
        pen.stroke(part[0]);
      }
    });
    pen.restore();
  };

  atlas.ringRadius = (count) => (count < 10 ? 16 : count < 100 ? 18 : count < 1000 ? 21 : 25);

  /* Several schools: a ring with the mix of their verdicts around how many they are. */
  atlas.drawRing = function (pen, x, y, counts, colours) {
    const total = ORDER.reduce((sum, name) => sum + (counts[name] || 0), 0), radius = atlas.ringRadius(total);
    pen.fillStyle = colours.surface;
    pen.beginPath();
    pen.arc(x, y, radius + 1.5, 0, 2 * Math.PI);
    pen.fill();
    let from = -Math.PI / 2;
    pen.lineWidth = 4;
    ORDER.forEach(function (name) {
      if (!counts[name]) return;
      const to = from + 2 * Math.PI * counts[name] / total, gap = counts[name] < total ? 0.06 : 0;
      pen.setLineDash(name === "OUTAGE" ? [4, 2] : name === "INSUFFICIENT" || name === "NONE" ? [2.5, 2] : []);
      pen.strokeStyle = colours.verdicts[name];
      pen.beginPath();
      pen.arc(x, y, radius - 2, from + gap / 2, Math.max(from + gap / 2 + 0.02, to - gap / 2));
      pen.stroke();
      from = to;
    });
    pen.setLineDash([]);
    pen.fillStyle = colours.ink;
    pen.font = "600 " + (total < 1000 ? 13 : 12) + "px " + colours.font;
    pen.textAlign = "center";
    pen.textBaseline = "middle";
    pen.fillText(atlas.number(total), x, y + 0.5);
  };

  /* A number in the page's language, with the separators of the pages. */
  atlas.number = function (value, decimals) {
    const text = value.toFixed(decimals || 0).split(".");
    const whole = text[0].replace(/\B(?=(\d{3})+$)/g, atlas.says.group);
    return text.length > 1 ? whole + atlas.says.decimal + text[1] : whole;
  };
  /* Tenths of Mbit/s as the pages write them. */
  atlas.typical = (tenths) => (tenths === null ? "–" : atlas.number(tenths / 10, tenths < 1000 ? 1 : 0));
  atlas.target = (tenths) => atlas.number(tenths / 10, tenths % 10 && tenths < 1000 ? 1 : 0);
  atlas.fill = (text, values) => text.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? values[name] : whole));
  atlas.many = (forms, count) => atlas.fill(forms[Math.min(count, 2)], { n: atlas.number(count) });
})();
