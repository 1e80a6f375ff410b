// Runs Measurement Lab's own ndt7 client against HOST:PORT (first argument) and prints one line of JSON:
// the last measurements of client and server in both directions. The client is made for browsers: workers and
// WebSocket come from node here, everything else is theirs.
'use strict';
const {Worker: Thread, isMainThread, parentPort, workerData} = require('node:worker_threads');

if (isMainThread) {
  global.Worker = class {
    constructor(file) {
      this.thread = new Thread(__filename, {workerData: file});
      this.thread.on('message', (data) => this.onmessage({data}));
    }
    postMessage(message) {
      this.thread.postMessage(message);
    }
    terminate() {
      this.thread.terminate();
    }
  };
  const ndt7 = require('@m-lab/ndt7');
  const result = {errors: [], messages: {download: 0, upload: 0}};
  const count = (test) => (measurement) => {
    if (measurement.Source === 'server') result.messages[test] += 1;
  };
  const config = {
    server: process.argv[2],
    protocol: 'ws',
    mlabDataPolicyInapplicable: true,
    downloadworkerfile: require.resolve('@m-lab/ndt7/src/ndt7-download-worker.js'),
    uploadworkerfile: require.resolve('@m-lab/ndt7/src/ndt7-upload-worker.js'),
  };
  ndt7.test(config, {
    error: (error) => result.errors.push(String(error)),
    downloadMeasurement: count('download'),
    uploadMeasurement: count('upload'),
    downloadComplete: (last) => (result.download = last),
    uploadComplete: (last) => (result.upload = last),
  }).then((code) => {
    console.log(JSON.stringify({code, ...result}));
    process.exit(code);
  });
} else {
  global.self = {};
  global.WebSocket = require('ws');
  global.postMessage = (message) => parentPort.postMessage(message);
  require(workerData);
  parentPort.on('message', (data) => global.self.onmessage({data}));
}
