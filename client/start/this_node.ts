import { requireNode } from "../../node/node_version.ts";

requireNode("rebootless", process);
