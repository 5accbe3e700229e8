import type { Piece, Unit } from "../object/pieces.ts";
import { stemOf } from "./names.ts";

/**
 * Functions that make something known to the rest of the kernel, which then lives on without passing the
 * caller again (Linux 6.1 and 6.12).
 */
const REGISTERING =
  /^_*(?:register_\w+|\w+_register(?:_\w+)?|(?:device|cdev|kobject)_(?:init_and_)?add|device_create\w*|proc_(?:create|mkdir)\w*|debugfs_create_\w+|sysfs_create_\w+|(?:request|devm_request)_(?:threaded_)?irq|kmem_cache_create\w*|alloc_workqueue|kthread_create_on_node|netif_napi_add\w*|init_timer_key)$/;

/** Names of functions that are called once for each device, file system or protocol. */
const ONCE_EACH = /(?:^|_)(?:probe|register|fill_super|get_tree)(?:_|$)/;

/** Names that, for a function in a table of operations, tell that it is called once for each object. */
const OPERATION = /_(?:init|open|alloc|create|setup|add|mount|bind|attach|connect|newlink)$/;

/**
 * Returns why a function looks like one that sets things up, or undefined if it does not. Such code is not run
 * again for what exists.
 */
export function setUpReason(piece: Piece, unit: Unit): string | undefined {
  const name = stemOf(piece.names[0] ?? "");
  const called = piece.references.flatMap(({ target, isBranch }) => {
    const callee = target.kind === "symbol" ? target.name : (unit.pieces[target.piece]?.names[0] ?? "");
    return isBranch && REGISTERING.test(callee) ? callee : [];
  });
  if (called[0] !== undefined) return `calls ${called[0]}`;
  if (ONCE_EACH.test(name)) return "sets something up, as its name says";
  return OPERATION.test(name) && isOperation(piece, unit) ? "is the operation of a table" : undefined;
}

/** Reports whether data of the unit hold the function's address, as a table of operations does. */
const isOperation = ({ index }: Piece, { pieces }: Unit): boolean =>
  pieces.some(
    ({ role, references }) =>
      role === "data" &&
      references.some(
        ({ target }) => target.kind === "piece" && target.piece === index && target.offset === 0,
      ),
  );
