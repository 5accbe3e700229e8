import { edgeVerifier, hostVerifier } from "../shared/tuf/verifier.ts";
import { openSsl } from "./crypto.ts";

/** What hosts and mirrors verify with. */
export const nodeVerifier = hostVerifier(openSsl);

/** What publishers verify with. */
export const publisherVerifier = edgeVerifier(openSsl);
