import { createFetcher } from "./fetcher.js";
import { showStatus } from "./status.js";

const { createElement: h, useState } = React;
const page = document.querySelector("#playground");
const defaultTabs = JSON.parse(page.dataset.tabs);
const fetcher = createFetcher(new URL(location.pathname, location.href), showStatus);
const lastOpened = openedBefore();

function Playground() {
  const [query, setQuery] = useState(lastOpened?.query);
  const explorer = GraphiQLPluginExplorer.useExplorerPlugin({
    query: query ?? "",
    onEdit: setQuery,
    showAttribution: false,
  });
  return h(
    GraphiQL,
    {
      fetcher,
      defaultTabs,
      ...lastOpened,
      query,
      onEditQuery: setQuery,
      plugins: [explorer],
      defaultEditorToolsVisibility: "variables",
      isHeadersEditorEnabled: true,
    },
    h(GraphiQL.Logo, null, h("img", { src: "/playground/static/diptych.svg", alt: "" }), "Diptych"),
  );
}

/** Returns the tab left open by the last visit. GraphiQL opens a copy of it when told anything else. */
function openedBefore() {
  try {
    const { tabs, activeTabIndex } = JSON.parse(localStorage.getItem("graphiql:tabState"));
    const { query, variables, headers } = tabs[activeTabIndex];
    return { query: query ?? "", variables: variables ?? "", headers: headers ?? "" };
  } catch {
    return undefined; // a first visit
  }
}

ReactDOM.render(h(Playground), page);
