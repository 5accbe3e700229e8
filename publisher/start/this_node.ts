import { requireNode } from "../../shared/node_version.ts";

requireNode("rebootless-publish", process);
