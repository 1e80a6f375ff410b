// One test of the line in this browser against the test point. Every byte is asked for with a token that has a cap; the
// speeds that are shown afterwards are the test point's own counts, not what is measured here.
"use strict";
(() => {
  const box = document.getElementById("browsertest");
  const button = document.getElementById("start");
  if (!box || !button || !window.fetch || !window.AbortController) return;
  const LONGEST_MS = 8000, STREAMS = 3, PINGS = 9, BLOCK = 65536;
  button.hidden = false;
  const show = (name, text) => {
    for (const one of box.querySelectorAll("[data-say]")) one.hidden = one.dataset.say !== name;
    const said = box.querySelector(`[data-say="${name}"]`);
    if (text && said) said.textContent = text;
  };
  const post = async (url, values) => {
    const answer = await fetch(url, { method: "POST", body: new URLSearchParams({ csrf_token: box.dataset.csrf, ...values }) });
    return answer.json();
  };
  const limited = async (work) => {
    const stop = new AbortController();
    const timer = setTimeout(() => stop.abort(), LONGEST_MS);
    try {
      await Promise.all(Array.from({ length: STREAMS }, (_, number) => work(stop.signal, number).catch((error) => {
        if (!stop.signal.aborted) throw error;
      })));
    } finally {
      clearTimeout(timer);
    }
  };
  const run = async () => {
    show("begins");
    const told = await post(box.dataset.begin, {});
    if (told.say) return show("refused", told.say);
    const at = (path, more) => `${told.url}${path}?${new URLSearchParams({ access_token: told.access_token, test: told.test_id, ...more })}`;
    const get = async (url, signal) => {
      const answer = await fetch(url, { cache: "no-store", credentials: "omit", signal });
      if (!answer.ok) throw new Error(String(answer.status));
      return answer;
    };
    show("latency");
    const latencies = [];
    for (let count = 0; count < PINGS; count += 1) {
      const begun = performance.now();
      await (await get(at("/empty", { n: count }))).text();
      if (count) latencies.push(performance.now() - begun); // the first one opens the connection
    }
    show("download");
    await limited(async (signal, number) => {
      const answer = await get(at("/garbage", { bytes: Math.floor(told.download_bytes / STREAMS), n: number }), signal);
      const reader = answer.body.getReader();
      while (!(await reader.read()).done);
    });
    show("upload");
    const block = new Uint8Array(4 * BLOCK);
    for (let start = 0; start < block.length; start += BLOCK) crypto.getRandomValues(block.subarray(start, start + BLOCK));
    let left = told.upload_bytes;
    await limited(async (signal) => {
      while (left >= block.length && !signal.aborted) {
        left -= block.length;
        const answer = await fetch(at("/empty", {}), { method: "POST", body: new Blob([block], { type: "text/plain" }), cache: "no-store", credentials: "omit", signal });
        if (!answer.ok) throw new Error(String(answer.status));
      }
    });
    show("ends");
    const { receipt } = await (await get(at("/enlace/v1/receipt", {}))).json();
    const done = await post(box.dataset.end, { test: told.test_id, receipt, latencies: latencies.map((ms) => ms.toFixed(1)).join(" ") });
    if (done.say) return show("refused", done.say);
    location.assign(`${location.pathname}?of=${encodeURIComponent(told.test_id)}#result`);
    return undefined;
  };
  button.addEventListener("click", () => {
    button.disabled = true;
    run().catch(() => show("failed")).finally(() => {
      button.disabled = false;
    });
  });
})();
