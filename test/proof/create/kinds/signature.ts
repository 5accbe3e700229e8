import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { moduleSigner, signModule } from "../../../../publisher/create/module/sign_module.ts";
import { writtenModule } from "../../../publisher/create/module/written_module.ts";
import { bootGuest } from "../../../support/guest/guest.ts";
import type { Kernel } from "../../../support/guest/machine.ts";
import type { Played } from "./play.ts";

/**
 * A kernel that loads signed modules alone understands a signature of ours: it only lacks the key, which no kernel of a
 * distribution takes from a user. One changed byte of the signature's form, and it is no signature.
 */
export async function playSignature(kernel: Kernel): Promise<Played> {
  const module = writtenModule(kernel, "rebootless_written");
  const signed = signModule(module, newSigner());
  const broken = signed.map((byte, at) => (at === module.length + 1 ? byte ^ 0xff : byte));
  const files = Object.entries({ module, signed, broken }).map(([name, content]) => ({
    path: `/root/${name}.ko`,
    content,
  }));
  const guest = await bootGuest({ kernel, append: "module.sig_enforce=1", files });
  try {
    const words = await guest.mustExec(
      "for name in module signed broken; do dmesg -c >/dev/null; insmod $name.ko 2>&1; dmesg | tail -n 1; done",
    );
    const expected =
      /unsigned module is rejected[\s\S]*module with unavailable key is rejected[\s\S]*Bad message/;
    return { kind: "signature", problems: expected.test(words) ? [] : [words] };
  } finally {
    await guest.close();
  }
}

function newSigner() {
  const folder = mkdtempSync(join(tmpdir(), "rebootless-signer-"));
  const [key, certificate] = [join(folder, "key.pem"), join(folder, "certificate.pem")];
  try {
    const request = ["req", "-x509", "-nodes", "-days", "2", "-subj", "/CN=rebootless proof/"];
    const files = ["-newkey", "rsa:2048", "-keyout", key, "-out", certificate];
    execFileSync("openssl", [...request, ...files], { stdio: ["ignore", "ignore", "pipe"] });
    return moduleSigner(readFileSync(key), readFileSync(certificate));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
