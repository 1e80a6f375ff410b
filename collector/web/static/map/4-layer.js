/* Layer: one canvas over the map, a little larger than it, drawn once whenever the map has moved. */
(function () {
  "use strict";
  const atlas = window.EnlaceAtlas;
  const L = window.L;
  const BEYOND = 0.2; // of the map's size on each side, so that dragging shows no edge

  atlas.Layer = L.Layer.extend({
    /* paint(pen, view) draws; view: scale, x, y, width, height in pixels of the world, zoom, and margin. */
    initialize: function (paint) {
      this._paint = paint;
      this._asked = 0;
    },

    onAdd: function (map) {
      this._canvas = L.DomUtil.create("canvas", "", map.getPane("overlayPane"));
      map.on("moveend zoom viewreset resize", this.ask, this);
      this.ask();
    },

    /* Draw with the next frame, once however often it is asked for. */
    ask: function () {
      if (!this._asked) this._asked = L.Util.requestAnimFrame(this._draw, this);
    },

    _draw: function () {
      this._asked = 0;
      const map = this._map, canvas = this._canvas, size = map.getSize(), ratio = Math.min(2, window.devicePixelRatio || 1);
      if (!size.x || !size.y) return;
      const margin = size.multiplyBy(BEYOND).round(), corner = map.containerPointToLayerPoint(margin.multiplyBy(-1));
      const width = size.x + 2 * margin.x, height = size.y + 2 * margin.y;
      if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
        canvas.width = Math.round(width * ratio);
        canvas.height = Math.round(height * ratio);
        canvas.style.width = width + "px";
        canvas.style.height = height + "px";
      }
      L.DomUtil.setPosition(canvas, corner);
      const origin = corner.add(map.getPixelOrigin()), zoom = map.getZoom();
      const pen = canvas.getContext("2d");
      pen.setTransform(ratio, 0, 0, ratio, 0, 0);
      pen.clearRect(0, 0, width, height);
      this._paint(pen, {
        scale: 256 * Math.pow(2, zoom), x: origin.x, y: origin.y, width: width, height: height, zoom: zoom, ratio: ratio,
        margin: margin,
      });
    },
  });

  atlas.toX = (view, lon) => atlas.unitX(lon) * view.scale - view.x;
  atlas.toY = (view, lat) => atlas.unitY(lat) * view.scale - view.y;
  atlas.toLon = (view, x) => ((x + view.x) / view.scale - 0.5) * 360;
  atlas.toLat = (view, y) => Math.atan(Math.sinh(Math.PI * (1 - 2 * (y + view.y) / view.scale))) * 180 / Math.PI;

  /* Land first, then the areas that are known more finely; returns the path of all of it, to ask where the sea is. */
  atlas.drawLand = function (pen, view, outlines, colours) {
    const all = new Path2D(), land = new Path2D(), areas = new Path2D();
    outlines.land.forEach(function (shape) {
      if (!outlines.countries.has(shape.properties.c)) atlas.trace(land, shape, view);
    });
    outlines.areas.forEach((shape) => atlas.trace(areas, shape, view));
    all.addPath(land);
    all.addPath(areas);
    pen.lineJoin = "round";
    [land, areas].forEach(function (path) {
      pen.fillStyle = colours.land;
      pen.fill(path);
      pen.strokeStyle = colours.coast;
      pen.lineWidth = 0.8;
      pen.stroke(path);
    });
    return all;
  };

  function meets(a, b) {
    return a[0] < b[2] && a[2] > b[0] && a[1] < b[3] && a[3] > b[1];
  }

  /* Write what does not cover anything written or drawn before: taken holds boxes. Returns whether it was written. */
  atlas.write = function (pen, lines, x, y, taken, colours, halo) {
    const widths = lines.map(function (line) {
      pen.font = line.font;
      return pen.measureText(line.text).width;
    });
    const height = 16 * lines.length, width = Math.max.apply(null, widths);
    const box = [x - width / 2 - 2, y - height / 2, x + width / 2 + 2, y + height / 2];
    if (taken.some((other) => meets(box, other))) return false;
    taken.push(box);
    pen.textAlign = "center";
    pen.textBaseline = "middle";
    lines.forEach(function (line, i) {
      const at = y - height / 2 + 8 + 16 * i;
      pen.font = line.font;
      if (halo) {
        pen.lineWidth = 3.5;
        pen.strokeStyle = halo;
        pen.strokeText(line.text, x, at);
      }
      pen.fillStyle = line.colour || colours.ink2;
      pen.fillText(line.text, x, at);
    });
    return true;
  };

  /* Names of areas, on the sea beside them where there is room, else on them, never over a school. */
  atlas.nameAreas = function (pen, view, areas, land, taken, colours) {
    const font = "600 13px " + colours.font, seen = [view.margin.x, view.margin.y, view.width - view.margin.x, view.height - view.margin.y];
    taken.push([seen[0], seen[1], seen[0] + 54, seen[1] + 92]); // the buttons
    areas.forEach(function (area) {
      if (!area.shape) return;
      const box = boxOf(area.shape, view);
      if (!meets(box, seen)) return;
      pen.font = font;
      const half = pen.measureText(area.name).width / 2 + 6, x = (box[0] + box[2]) / 2, y = (box[1] + box[3]) / 2;
      const tries = [[x, box[1] - 12], [x, box[3] + 14], [box[0] - half, y], [box[2] + half, y]];
      const isSea = (at) => [-half, 0, half].every((dx) => [-9, 9].every(
        (dy) => !pen.isPointInPath(land, (at[0] + dx) * view.ratio, (at[1] + dy) * view.ratio)));
      const fits = (at) => at[0] - half > seen[0] && at[0] + half < seen[2] && at[1] - 9 > seen[1] && at[1] + 9 < seen[3];
      const line = [{ text: area.name, font: font }];
      if (tries.some((at) => fits(at) && isSea(at) && atlas.write(pen, line, at[0], at[1], taken, colours, colours.sea))) return;
      const on = [area.middle.x * view.scale - view.x, area.middle.y * view.scale - view.y];
      if (fits(on) && area.middle.width * view.scale > 2 * half) atlas.write(pen, line, on[0], on[1], taken, colours, colours.land);
    });
  };

  function boxOf(shape, view) {
    const found = [Infinity, Infinity, -Infinity, -Infinity];
    shape.polygons.forEach(function (polygon) {
      [0, 1].forEach(function (side) {
        found[side] = Math.min(found[side], polygon.box[side] * view.scale);
        found[side + 2] = Math.max(found[side + 2], polygon.box[side + 2] * view.scale);
      });
    });
    return [found[0] - view.x, found[1] - view.y, found[2] - view.x, found[3] - view.y];
  }
})();
