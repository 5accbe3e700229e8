/** The ending of the file beside a draft that says what came of trying it. */
export const TRIED_SUFFIX = ".tried.json";

/** Returns the path of the file that says what came of trying a draft. @param draft the path of the draft. */
export const triedFile = (draft: string): string => `${draft.replace(/\.json$/, "")}${TRIED_SUFFIX}`;
