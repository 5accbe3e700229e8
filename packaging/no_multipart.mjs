/** For esbuild: node-fetch without its parser of form data, which it loads for answers that a host never asks for. */
export const noMultipart = {
  name: "no multipart",
  setup(build) {
    build.onLoad({ filter: /[\\/]node-fetch[\\/]src[\\/]utils[\\/]multipart-parser\.js$/ }, () => ({
      contents: 'export const toFormData = () => { throw new Error("the host\'s bundle reads no forms"); };',
    }));
  },
};
