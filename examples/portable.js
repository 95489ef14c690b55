// A model in JavaScript, with nothing of Foregate: `foregate export MODEL exported`, then, where onnxruntime-node is
// installed, `node examples/portable.js`. It follows manifest.json alone, and prints what portable.py reckons, as JSON.

"use strict";
const fs = require("node:fs");
const path = require("node:path");
const { InferenceSession, Tensor } = require("onnxruntime-node");

const ROWS = 120;
const FIRST_DAY = 19723; // 2024-01-01
const ARRAYS = { float32: Float32Array, float64: Float64Array };

function tensor(type, numbers, shape) {
  return new Tensor(type, ARRAYS[type].from(numbers), shape);
}

async function main(folder) {
  const manifest = JSON.parse(fs.readFileSync(path.join(folder, "manifest.json"), "utf8"));
  if (manifest.version > 1) throw new Error("the manifest is newer than this program");
  const open = (part) => InferenceSession.create(path.join(folder, manifest[part].file), { logSeverityLevel: 3 });
  const [step, ahead] = [await open("step"), await open("forecast")];
  const arrays = manifest.state.arrays;
  let state = {};
  for (const { name, type, shape } of arrays) {
    const lengths = [2, ...shape.slice(1)];
    state[name] = tensor(type, new Array(lengths.reduce((a, b) => a * b)).fill(0), lengths);
  }
  for (let row = 0; row < ROWS; row++) {
    const value = 100 + 10 * Math.sin((2 * Math.PI * row) / 24) + (row % 7);
    const day = FIRST_DAY + row * manifest.days_per_row;
    const known = { value: [value, row % 5 === 3 ? NaN : value - 100], days: [day, day] };
    const given = manifest.step.inputs.map(({ name, type }) => [name, tensor(type, known[name], [2])]);
    const after = await step.run({ ...Object.fromEntries(given), ...state });
    state = Object.fromEntries(arrays.map(({ name, next }) => [name, after[next]]));
  }
  const asked = Object.fromEntries(manifest.forecast.state.map((name) => [name, state[name]]));
  const { quantiles } = await ahead.run(asked);
  console.log(JSON.stringify({ shape: quantiles.dims, quantiles: Array.from(quantiles.data) }));
}

main(process.argv[2] ?? "exported");
