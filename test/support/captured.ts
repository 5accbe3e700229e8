/** What a command left, as a shell would see it. */
export interface Captured {
  stdout: string;
  stderr: string;
  code: number;
}

/** A process for a command to run in, and what it writes and ends with. */
export function capture() {
  const output: Captured = { stdout: "", stderr: "", code: 0 };
  const self = {
    program: "rebootless",
    stdout: (text: string) => {
      output.stdout += text;
    },
    stderr: (text: string) => {
      output.stderr += text;
    },
    exitWith: (code: number) => {
      output.code = code;
    },
  };
  return { self, output };
}
