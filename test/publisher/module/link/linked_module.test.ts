import { readFileSync } from "node:fs";
import { isDeepStrictEqual } from "node:util";
import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { moduleFile } from "../../../../publisher/fingerprint/module_file.ts";
import {
  fingerprintModule,
  fingerprintModuleFunction,
} from "../../../../publisher/fingerprint/module_function.ts";
import { usedLayout } from "../../../../publisher/fingerprint/used_layout.ts";
import { type KernelImage, openKernelImage } from "../../../../publisher/image/kernel_image.ts";
import { openInput } from "../../../../publisher/kernel_files/input.ts";
import type { ModuleFile } from "../../../../publisher/kernel_files/module_files.ts";
import { type LinkedModule, moduleLinker } from "../../../../publisher/module/link/linked_module.ts";
import { openModule } from "../../../../publisher/module/module_file.ts";
import { Decoder } from "../../../../shared/decode.ts";
import { RebootlessError } from "../../../../shared/errors.ts";
import { encodeJson, parseJson } from "../../../../shared/json.ts";
import { openFingerprints } from "../../../../shared/runpre/file/decode.ts";
import { MODULE_SPACE, type ModuleLayout } from "../../../../shared/runpre/module/layout.ts";
import { decodeLayout, layoutToJson } from "../../../../shared/runpre/module/layout_json.ts";
import { findKernel } from "../../../support/guest/machine.ts";

const throughJson = (layout: ModuleLayout): ModuleLayout =>
  decodeLayout(new Decoder(parseJson(encodeJson(layoutToJson(layout)), "layout", 10_000), "layout"));

// One in so many of a package's 1,100 modules: `node test/proof/runpre/proof.ts` and a guest take the rest.
const SAMPLE = 25;

describe.each(["primary", "secondary"] as const)("modules of the %s kernel", (role) => {
  const kernel = findKernel(role);
  let image: KernelImage;
  let link: ReturnType<typeof moduleLinker>;
  let files: readonly ModuleFile[];

  beforeAll(async () => {
    image = openKernelImage(new Uint8Array(readFileSync(kernel.vmlinuz)));
    link = moduleLinker(image);
    files = (await openInput(kernel.modules, () => true)).modules;
  }, 120_000);

  const linked = async (name: string): Promise<LinkedModule> => {
    const file = files.find((one) => one.name === name);
    if (file === undefined) throw new Error(`${kernel.version} has no ${name}`);
    return link(openModule(await file.read()));
  };

  it("are fingerprinted whole", { timeout: 120_000 }, async () => {
    const refused: string[] = [];
    let functions = 0;
    for (const file of files.filter((_, i) => i % SAMPLE === 0)) {
      const module = link(openModule(await file.read()));
      const whole = fingerprintModule(module, image.linkedText);
      refused.push(...whole.refused.map(({ message }) => `${file.name}: ${message}`));
      functions += whole.functions.length;
      expect(throughJson(module.layout)).toEqual(module.layout);
    }
    expect(files.length).toBeGreaterThan(1_000);
    expect(functions).toBeGreaterThan(800);
    expect(refused).toEqual([]);
  });

  it("survive a fingerprint file", async () => {
    const module = await linked("nf_conntrack");
    const whole = fingerprintModule(module, image.linkedText);
    const file = openFingerprints(moduleFile(image, module, whole));
    expect(file.object).toEqual({ name: module.name, buildId: module.buildId, layout: module.layout });
    expect(file.count).toBe(whole.functions.length);
    const differing = whole.functions.filter((fn, i) => !isDeepStrictEqual(fn.sites, file.at(i).sites));
    expect(differing.map(({ name }) => name)).toEqual([]);
  });

  it("need little of a layout for one function", async () => {
    const module = await linked("nf_conntrack");
    const fn = fingerprintModuleFunction(module, image.linkedText, { name: "nf_conntrack_in", position: 0 });
    expect(fn.offset).toBeGreaterThanOrEqual(MODULE_SPACE);
    const used = usedLayout({ layout: module.layout, functions: [fn] });
    expect(used.layout.bases.length).toBeLessThan(module.layout.bases.length);
    expect(used.layout.bases[0]).toEqual(module.layout.bases[0]);
    expect(module.layout.itsPages.length).toBeGreaterThan(0);
    for (const site of used.functions[0]?.sites ?? []) {
      if (site.kind === "moved" || site.kind === "moved_call") {
        expect(used.layout.bases[site.base]).toBeDefined();
      }
    }
  });

  it("of another release are refused by name", async () => {
    const other = findKernel(role === "primary" ? "secondary" : "primary");
    const [stranger] = (await openInput(other.modules, (name) => name === "vsock")).modules;
    const module = openModule((await stranger?.read()) ?? new Uint8Array());
    expect(() => link(module)).toThrow(
      expect.objectContaining({ code: "usage", message: expect.stringContaining("vsock") }),
    );
  });

  it("are a value or an error of ours however they are damaged", { timeout: 120_000 }, async () => {
    const file = files.find(({ name }) => name === "vsock");
    const whole = (await file?.read()) ?? new Uint8Array();
    const headers = whole.length - 64 * 64; // the section headers lie at the end
    const place = fc.oneof(fc.nat(whole.length - 1), fc.integer({ min: headers, max: whole.length - 1 }));
    const changes = fc.array(fc.tuple(place, fc.nat(255)), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(changes, fc.nat(40), (list, cut) => {
        const bytes = whole.slice(0, cut === 0 ? whole.length >> 1 : whole.length);
        for (const [at, value] of list) if (at < bytes.length) bytes[at] = value;
        try {
          fingerprintModule(link(openModule(bytes)), image.linkedText);
        } catch (error) {
          expect(error).toBeInstanceOf(RebootlessError);
        }
      }),
      { numRuns: 60 },
    );
  });
});
