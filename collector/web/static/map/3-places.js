/* Places: the schools of the data address, where they are, and which of them stand so close that a ring counts them. */
(function () {
  "use strict";
  const atlas = window.EnlaceAtlas;
  atlas.MAX_ZOOM = 15;
  const CLOSE_PX = 32;

  /* Adds to the data: places (numbers of the schools that have one), and longitudes without a jump at the date line. */
  atlas.readPlaces = function (data) {
    data.count = data.code.length;
    data.placed = [];
    for (let i = 0; i < data.count; i++) if (data.lat[i] !== null && data.lon[i] !== null) data.placed.push(i);
    const cut = widestGap(data.placed.map((i) => data.lon[i] / 1e4));
    data.y = data.lat.map((value) => (value === null ? null : value / 1e4));
    data.x = data.lon.map((value) => (value === null ? null : value / 1e4 < cut ? value / 1e4 + 360 : value / 1e4));
    // The clusters know longitudes of -180 to 180 only, so they are turned until nothing crosses their edge.
    data.turn = cut > -180 ? 180 : 0;
    data.isOut = new Set(data.out);
    data.numberOf = new Map(data.code.map((code, i) => [code, i]));
    return data;
  };

  /* Returns the longitude west of which schools belong a turn further east; -180 where none does. */
  function widestGap(longitudes) {
    const sorted = longitudes.slice().sort((a, b) => a - b);
    if (!sorted.length) return -180;
    let widest = sorted[0] + 360 - sorted[sorted.length - 1], cut = -180;
    for (let i = 0; i + 1 < sorted.length; i++) {
      if (sorted[i + 1] - sorted[i] > Math.max(widest, 180)) {
        widest = sorted[i + 1] - sorted[i];
        cut = (sorted[i] + sorted[i + 1]) / 2;
      }
    }
    return cut;
  }

  atlas.verdictOf = (data, i) => data.verdicts[data.verdict.charCodeAt(i) - 48];

  /* What is drawn of a school: an outage that goes on replaces the verdict; the legend chooses by verdict all the same. */
  atlas.markOf = (data, i) => (data.isOut.has(i) ? "OUTAGE" : atlas.verdictOf(data, i));

  /* Returns the clusters of those schools; the chosen one is left out, since it is drawn by itself. */
  atlas.makeClusters = function (data, shown, chosen) {
    const points = [];
    data.placed.forEach(function (i) {
      if (i === chosen || !shown.has(atlas.verdictOf(data, i))) return;
      points.push({ type: "Feature", properties: { i: i }, geometry: { type: "Point", coordinates: [data.x[i] - data.turn, data.y[i]] } });
    });
    const index = new window.Supercluster({
      radius: CLOSE_PX, extent: 256, maxZoom: atlas.MAX_ZOOM, minPoints: 2,
      map: function (properties) {
        const counts = {};
        counts[atlas.markOf(data, properties.i)] = 1;
        return { counts: counts };
      },
      reduce: function (into, from) {
        const sum = Object.assign({}, into.counts);
        Object.keys(from.counts).forEach((name) => { sum[name] = (sum[name] || 0) + from.counts[name]; });
        into.counts = sum;
      },
    });
    return index.load(points);
  };

  /* Returns what stands in a box of longitudes and latitudes: {lon, lat} with `i` of one school, or `counts` and `id`. */
  atlas.inBox = function (index, data, west, south, east, north, zoom) {
    const box = [Math.max(-180, west - data.turn), south, Math.min(180, east - data.turn), north];
    if (box[0] >= box[2]) return [];
    const level = Math.max(0, Math.min(atlas.MAX_ZOOM, Math.round(zoom)));
    return index.getClusters(box, level).map(function (feature) {
      const at = feature.geometry.coordinates, mark = { lon: at[0] + data.turn, lat: at[1] };
      if (feature.properties.cluster) {
        mark.id = feature.properties.cluster_id;
        mark.counts = feature.properties.counts;
      } else {
        mark.i = feature.properties.i;
      }
      return mark;
    });
  };
})();
