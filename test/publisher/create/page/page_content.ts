import type { PageContent } from "../../../../publisher/create/page/report_page.tsx";
import { objectName } from "../../../../shared/brand.ts";

/** What must never come to life on a page. */
export const HOSTILE = "<img src=x onerror=alert(1)>";

/** What a page says, with hostile text wherever text comes from elsewhere. */
export function pageContent(): PageContent {
  const line = { at: 16, text: `call 5 <${HOSTILE}>`, relocations: [`R_X86_64_PLT32 ${HOSTILE}`] };
  const same = Array.from({ length: 12 }, (_, at) => ({
    isSame: true,
    old: { ...line, at },
    now: { ...line, at },
  }));
  return {
    id: `id${HOSTILE}`,
    summary: `Mend \u202e${HOSTILE}</title>`,
    kernel: `Linux version 6.1.0 ${HOSTILE}`,
    report: {
      outcome: "refused",
      units: [
        {
          source: `fs/${HOSTILE}.c`,
          object: objectName("vmlinux"),
          outcome: "refused",
          changed: [HOSTILE],
          added: [HOSTILE],
          dropped: [HOSTILE],
          unused: [],
          initOnly: [],
          notes: [HOSTILE],
          refusals: [
            {
              code: "changed_data",
              subject: HOSTILE,
              reason: `its initial value changed ${HOSTILE}`,
              advice: `Leave it as it is.\n${HOSTILE};`,
            },
          ],
        },
      ],
      same: [HOSTILE],
      ignored: [],
      refusals: [
        {
          code: "compile",
          subject: "the patch",
          reason: "it does not compile",
          advice: "Mend it.",
          output: [HOSTILE],
        },
      ],
      notes: [HOSTILE],
    },
    patches: [
      { path: `${HOSTILE}.patch`, text: `--- a/x.c\n+++ b/x.c\n@@ -1 +1 @@\n-${HOSTILE}\n+\t${HOSTILE}\n` },
    ],
    compared: {
      functions: [
        {
          name: HOSTILE,
          source: "fs/x.c",
          object: objectName("vmlinux"),
          oldSize: 40,
          nowSize: 60,
          rows: [...same, { isSame: false, now: line }, { isSame: false, old: line }],
        },
      ],
      notes: [HOSTILE],
    },
    kept: [{ source: "fs/x.c", parts: [{ what: "static keys", names: ["a_key", HOSTILE] }] }],
  };
}
