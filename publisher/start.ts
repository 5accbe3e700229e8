import "./start/this_node.ts";

/*
 * What a publisher starts. The program itself is a file of its own, which a Node that is too old for it cannot read.
 */

declare const require: NodeJS.Require;

require("./rebootless-publish-program.cjs");
