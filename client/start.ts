import "./start/this_node.ts";

/*
 * What a host starts. The program itself is a file of its own, which a Node that is too old for it cannot read.
 */

declare const require: NodeJS.Require;

require("./rebootless-host.cjs");
