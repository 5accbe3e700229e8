import "./start/this_node.ts";

/*
 * The entry point of rebootless-publish. The program itself is another file, because a Node version that is too old for it
 * cannot parse it.
 */

declare const require: NodeJS.Require;

require("./rebootless-publish-program.cjs");
