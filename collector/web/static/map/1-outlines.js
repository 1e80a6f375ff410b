/* Outlines: reads TopoJSON, keeps every ring in the unit square of the map's projection, draws and asks them. */
(function () {
  "use strict";
  const atlas = window.EnlaceAtlas = window.EnlaceAtlas || {};

  /* Longitude and latitude in degrees to the unit square of Web Mercator; y grows to the south. */
  atlas.unitX = (lon) => lon / 360 + 0.5;
  atlas.unitY = function (lat) {
    const sine = Math.sin(Math.max(-85.05, Math.min(85.05, lat)) * Math.PI / 180);
    return 0.5 - Math.log((1 + sine) / (1 - sine)) / (4 * Math.PI);
  };

  function arcsOf(topology) {
    const scale = topology.transform.scale, shift = topology.transform.translate;
    return topology.arcs.map(function (arc) {
      let x = 0, y = 0;
      return arc.map(function (step) {
        x += step[0];
        y += step[1];
        return [atlas.unitX(x * scale[0] + shift[0]), atlas.unitY(y * scale[1] + shift[1])];
      });
    });
  }

  function ringOf(numbers, arcs) {
    const points = [];
    numbers.forEach(function (number) {
      const arc = number >= 0 ? arcs[number] : arcs[~number].slice().reverse();
      for (let i = points.length ? 1 : 0; i < arc.length; i++) points.push(arc[i][0], arc[i][1]);
    });
    return Float64Array.from(points);
  }

  function boxOf(ring) {
    const box = [Infinity, Infinity, -Infinity, -Infinity];
    for (let i = 0; i < ring.length; i += 2) {
      box[0] = Math.min(box[0], ring[i]);
      box[1] = Math.min(box[1], ring[i + 1]);
      box[2] = Math.max(box[2], ring[i]);
      box[3] = Math.max(box[3], ring[i + 1]);
    }
    return box;
  }

  /* Returns the shapes of a file: properties, and polygons with their box and rings. */
  atlas.shapesOf = function (topology) {
    const arcs = arcsOf(topology);
    return topology.objects.shapes.geometries.map(function (shape) {
      const polygons = (shape.type === "Polygon" ? [shape.arcs] : shape.arcs).map(function (rings) {
        const found = rings.map((ring) => ringOf(ring, arcs));
        return { rings: found, box: boxOf(found[0]) };
      });
      return { properties: shape.properties || {}, polygons: polygons };
    });
  };

  /* Adds what is in view of a shape to a path; once more for each turn around the world.
     view: {scale, x, y, width, height}: pixels of the whole world's width, and of the view's corner in it. */
  atlas.trace = function (path, shape, view) {
    let traced = false;
    shape.polygons.forEach(function (polygon) {
      for (let turn = -1; turn <= 1; turn++) {
        const left = (polygon.box[0] + turn) * view.scale - view.x, right = (polygon.box[2] + turn) * view.scale - view.x;
        const top = polygon.box[1] * view.scale - view.y, bottom = polygon.box[3] * view.scale - view.y;
        if (right < 0 || bottom < 0 || left > view.width || top > view.height) continue;
        if (right - left < 0.7 && bottom - top < 0.7) continue;
        traced = true;
        polygon.rings.forEach((ring) => traceRing(path, ring, view, turn));
      }
    });
    return traced;
  };

  function traceRing(path, ring, view, turn) {
    let x = 0, y = 0;
    for (let i = 0; i < ring.length; i += 2) {
      const px = (ring[i] + turn) * view.scale - view.x, py = ring[i + 1] * view.scale - view.y;
      if (i === 0) path.moveTo(px, py);
      else if (i < ring.length - 2 && Math.abs(px - x) < 1 && Math.abs(py - y) < 1) continue;
      else path.lineTo(px, py);
      x = px;
      y = py;
    }
    path.closePath();
  }

  function isInRing(ring, x, y) {
    let inside = false;
    for (let i = 0, j = ring.length - 2; i < ring.length; j = i, i += 2) {
      if ((ring[i + 1] > y) !== (ring[j + 1] > y) &&
        x < (ring[j] - ring[i]) * (y - ring[i + 1]) / (ring[j + 1] - ring[i + 1]) + ring[i]) inside = !inside;
    }
    return inside;
  }

  /* Whether a place lies in a shape. */
  atlas.contains = function (shape, lon, lat) {
    const x = atlas.unitX(lon - 360 * Math.floor((lon + 180) / 360)), y = atlas.unitY(lat);
    return shape.polygons.some(function (polygon) {
      const box = polygon.box;
      return x >= box[0] && x <= box[2] && y >= box[1] && y <= box[3] &&
        polygon.rings.reduce((inside, ring) => (isInRing(ring, x, y) ? !inside : inside), false);
    });
  };

  /* The greatest polygon of a shape, where its name is written: centre of its box, in the unit square. */
  atlas.middle = function (shape) {
    let best = null, size = -1;
    shape.polygons.forEach(function (polygon) {
      const box = polygon.box, found = (box[2] - box[0]) * (box[3] - box[1]);
      if (found > size) {
        size = found;
        best = polygon;
      }
    });
    return best && widest(best);
  };

  /* Of some lines across a ring, the middle of the longest piece inside it: never outside, as a centre may be. */
  function widest(polygon) {
    const box = polygon.box, found = { x: (box[0] + box[2]) / 2, y: (box[1] + box[3]) / 2, width: 0 };
    let best = -1;
    for (let step = 1; step < 8; step++) {
      const y = box[1] + (box[3] - box[1]) * step / 8, cuts = [];
      polygon.rings.forEach(function (ring) {
        for (let i = 0, j = ring.length - 2; i < ring.length; j = i, i += 2) {
          if ((ring[i + 1] > y) !== (ring[j + 1] > y))
            cuts.push((ring[j] - ring[i]) * (y - ring[i + 1]) / (ring[j + 1] - ring[i + 1]) + ring[i]);
        }
      });
      cuts.sort((a, b) => a - b);
      for (let i = 0; i + 1 < cuts.length; i += 2) {
        const width = cuts[i + 1] - cuts[i], worth = width * (1 - Math.abs(step - 4) / 10);
        if (worth > best) {
          best = worth;
          found.x = (cuts[i] + cuts[i + 1]) / 2;
          found.y = y;
          found.width = width;
        }
      }
    }
    return found;
  }
})();
