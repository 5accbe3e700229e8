import { realpath } from "node:fs/promises";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { type ErrorCode, RebootlessError } from "../../shared/errors.ts";

/** The edge on Node, built beside this program: the publisher's own code and the edge's know nothing of each other. */
const EDGE = "rebootless-edge.cjs";

type Bindings = Readonly<Record<string, string>>;

export interface EdgeProgram {
  serveEdge(options: {
    readonly data: string;
    readonly host: string;
    readonly port: number;
    readonly bindings: Bindings;
    readonly report: (line: string) => void;
  }): Promise<Served>;
  /** What is wrong with bindings, a sentence each. */
  checkEdgeVars(bindings: Bindings): Promise<readonly string[]>;
}

type Served =
  | { readonly kind: "serving"; readonly serving: Serving }
  | {
      readonly kind: "failed";
      readonly code: ErrorCode;
      readonly message: string;
      readonly hint: string | undefined;
    };

interface Serving {
  readonly port: number;
  readonly warnings: readonly string[];
  close(): Promise<void>;
}

/** Throws `unsupported` where it is not there. The command may be started through a link, as from a folder of commands. */
export async function edgeProgram(): Promise<EdgeProgram> {
  const file = join(dirname(await realpath(process.argv[1] ?? "")), EDGE);
  try {
    const module = (await import(pathToFileURL(file).href)) as { readonly default: EdgeProgram };
    return module.default;
  } catch (cause) {
    throw new RebootlessError("unsupported", `cannot load ${file}`, {
      cause,
      hint: `Build with \`npm run build\`, and keep ${EDGE} beside this program.`,
    });
  }
}
