import "./start/this_node.ts";

/*
 * What a publisher starts: the program itself is a file of its own, as a Node that is too old for it cannot read it.
 */

declare const require: NodeJS.Require;

require("./rebootless-publish-program.cjs");
