import { createTransport } from "./fetcher.js";
import { NodeLink, ResultPane } from "./result.js";
import * as status from "./status.js";
import { createTabs } from "./tabs.js";

const { createElement: h, useState } = React;
const page = document.querySelector("#playground");
const defaultTabs = JSON.parse(page.dataset.tabs);
const tabs = createTabs(createTransport(new URL(location.pathname, location.href)), status);
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
      fetcher: tabs.fetch,
      defaultTabs,
      ...lastOpened,
      query,
      onEditQuery: setQuery,
      plugins: [explorer],
      defaultEditorToolsVisibility: "variables",
      isHeadersEditorEnabled: true,
      responseTooltip: NodeLink,
    },
    h(GraphiQL.Logo, null, h("img", { src: "/playground/static/diptych.svg", alt: "" }), "Diptych"),
    h(GraphiQL.Footer, null, h(ResultPane, { tabs })),
  );
}

/** Return the tab that was open at the end of the last visit. With other values GraphiQL would open a copy of it. */
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
