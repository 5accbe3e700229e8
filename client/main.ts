import { CommanderError } from "commander";
import { EXIT } from "../shared/exit_codes.ts";
import { type Streams, terminal } from "../shared/terminal.ts";
import { systemClock } from "../shared/time.ts";
import { linux } from "./host/system.ts";
import { program } from "./program.ts";

declare const REBOOTLESS_VERSION: string;

const streams: Streams = {
  stdout: (text) => void process.stdout.write(text),
  stderr: (text) => void process.stderr.write(text),
};

const cli = program(REBOOTLESS_VERSION, async (command, globals, action) => {
  const speaker = terminal(globals, streams);
  try {
    await action({ places: globals, terminal: speaker, clock: systemClock, system: linux });
  } catch (error) {
    process.exitCode = speaker.fail(command, error);
  }
});

for (const command of [cli, ...cli.commands]) command.exitOverride();
cli.parseAsync().catch((error: unknown) => {
  // commander has printed its message already; help and version end here too, with 0.
  process.exitCode = error instanceof CommanderError && error.exitCode === 0 ? EXIT.ok : EXIT.usage;
});
