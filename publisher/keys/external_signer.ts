import { publisherVerifier } from "../../node/verifier.ts";
import { RebootlessError } from "../../shared/errors.ts";
import type { KeyFacts } from "./key_file.ts";
import type { KeySigner } from "./sign.ts";
import { askProgram, type SignProgram } from "./sign_program.ts";

/** The signers of keys whose secret is kept elsewhere: in hardware, in an agent, or in a key service. */
export class ExternalSigners {
  readonly #program: SignProgram | undefined;
  /**
   * The end of the queue of requests. Only one runs at a time, because a device has one button and one person
   * to press it.
   */
  #line: Promise<unknown> = Promise.resolve();

  /** @param program the program that `--sign-command` names, if any. */
  constructor(program: SignProgram | undefined) {
    this.#program = program;
  }

  /**
   * Makes a signer for a key.
   *
   * @param path the path of the key file, for messages.
   * @throws RebootlessError `config` if there is no signing program.
   */
  signer({ id, key }: KeyFacts, path: string): KeySigner {
    const program = this.#program;
    if (program === undefined) {
      throw new RebootlessError("config", `${path} has only the public part: its secret is kept elsewhere`, {
        hint: "Name the program that signs with it: --sign-command PROGRAM.",
      });
    }
    const sign = async (message: Uint8Array) => {
      const signature = await askProgram(program, id, message);
      if (await publisherVerifier.verify(key, message, signature)) return signature;
      throw new RebootlessError(
        "trust",
        `${program.program} did not answer with a signature by key ${id} of the given bytes`,
        {
          hint: "It must write the bare signature: 64 bytes for Ed25519, DER for ECDSA P-256. Otherwise it uses another key.",
          details: { bytes: signature.length },
        },
      );
    };
    return {
      id,
      key,
      sign: (message) => {
        const signed = this.#line.then(() => sign(message));
        this.#line = signed.catch(() => undefined);
        return signed;
      },
    };
  }
}
