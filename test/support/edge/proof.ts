/** Whether this is `npm run proof:edge`, which runs in full what `npm test` runs a small part of. */
export const inFull: boolean = process.env["REBOOTLESS_PROOF"] === "edge";
