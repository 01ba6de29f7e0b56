// Bundles the pages for a browser: `node pages/build.js FOLDER`.
import { copyFile, readFile, writeFile } from "node:fs/promises";
import { build } from "esbuild";

const PAGES = ["ShopFront", "BackOffice", "Customer"];
const TAGGED = /\bgraphql`\s*(?:query|mutation|subscription|fragment) (\w+)[^`]*`/g;

/** In place of babel-plugin-relay: each text becomes what relay-compiler has made of it. */
const relay = {
  name: "relay",
  setup({ onLoad }) {
    onLoad({ filter: /Customer\.tsx$/ }, async ({ path }) => {
      const text = await readFile(path, "utf8");
      const artifacts = [...text.matchAll(TAGGED)].map(
        ([, name]) => `import artifact${name} from "../../.generated/pages/${name}.graphql";`,
      );
      return { contents: [...artifacts, text.replace(TAGGED, "artifact$1")].join("\n"), loader: "tsx" };
    });
  },
};

const sources = `${import.meta.dirname}/src`;
const [folder] = process.argv.slice(2);

await build({
  entryPoints: PAGES.map((page) => `${sources}/${page}.tsx`),
  outdir: folder,
  bundle: true,
  format: "esm",
  target: "es2022",
  jsx: "automatic",
  define: { "process.env.NODE_ENV": '"development"' }, // so that the libraries complain of what they mind
  plugins: [relay],
});
await copyFile(`${sources}/page.css`, `${folder}/page.css`);
const html = await readFile(`${sources}/page.html`, "utf8");
for (const page of PAGES) await writeFile(`${folder}/${page}.html`, html.replace("PAGE", page));
