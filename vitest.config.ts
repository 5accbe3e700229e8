import { defineConfig } from "vitest/config";

/** The unit tests: pure code, and what needs no more than Node and a folder for temporary files. */
const UNITS = [
  "test/shared/**/*.test.ts",
  "test/node/{cli,transport}/**/*.test.ts",
  "test/client/{attached,journal,plan,policy,report}/**/*.test.ts",
  "test/publisher/{keys,x86}/**/*.test.ts",
];

/** Tests among these that need another program, a built bundle, a process of their own, or half a minute. */
const NEED_MORE = [
  "test/client/report/status_file.test.ts",
  "test/node/cli/completion.test.ts",
  "test/shared/compression/xz.test.ts",
  "test/shared/crypto/ed25519.test.ts",
  "test/shared/gathered_bytes.test.ts",
];

const PATIENT = { testTimeout: 120_000, hookTimeout: 180_000 };

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: "unit",
          include: UNITS,
          exclude: NEED_MORE,
          testTimeout: 30_000,
          // Modules are loaded once for all files, which is most of what these tests cost.
          pool: "threads",
          isolate: false,
        },
      },
      { test: { name: "unit, with more", include: NEED_MORE, ...PATIENT } },
      { test: { name: "whole", include: ["test/**/*.test.ts"], exclude: UNITS, ...PATIENT } },
    ],
    // A guest is emulated by one thread: two cores run two of them side by side, and more would only make all late.
    maxWorkers: 2,
  },
});
