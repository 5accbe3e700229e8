import { pathToFileURL } from "node:url";
import { type ErrorCode, RebootlessError } from "../../shared/errors.ts";
import { besideThisProgram } from "../program_folder.ts";

/**
 * The file with the edge's program for Node, which is built beside this one. The publisher's code and the
 * edge's do not import each other.
 */
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
  /** Checks bindings, and says in sentences what is wrong with them. */
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

/**
 * Loads the edge's program.
 *
 * @throws RebootlessError `unsupported` if the program is missing.
 */
export async function edgeProgram(): Promise<EdgeProgram> {
  const file = await besideThisProgram(EDGE);
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
