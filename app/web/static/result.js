// Additions to the result pane: a hint while it is empty, and links from ids to nodes.

import { identify } from "./operations.js";

const { createElement: h, useLayoutEffect, useRef, useState } = React;
const { useEditorContext, useExecutionContext, useSchemaContext } = GraphiQL.React;

const OPEN = "Open in a new tab";

let openNode = () => {};
let resultEditor = null;

/** The hint in an empty result pane. As a component within GraphiQL it also reports the open tab to `tabs`. */
export function ResultPane({ tabs }) {
  const editors = useEditorContext();
  const { run, stop, isFetching, isSubscribed } = useExecutionContext();
  const { schema } = useSchemaContext();
  const { responseEditor, queryEditor, variableEditor, updateActiveTabValues } = editors;
  const tab = editors.tabs[editors.activeTabIndex];
  const all = editors.tabs.map(({ id }) => id);
  const before = useRef(null);
  const wanted = useRef(null);

  resultEditor = responseEditor;
  openNode = async (id) => {
    wanted.current = { query: nodeQuery(schema, await tabs.typeOf(id)), variables: JSON.stringify({ id }, null, 2) };
    editors.addTab();
  };

  useLayoutEffect(() => {
    tabs.opening(tab.id);
    const isAnother = before.current !== tab.id;
    if (isAnother && isSubscribed) return stop(); // GraphiQL does not do this when a tab is added or closed
    before.current = tab.id;
    if (isAnother && wanted.current && queryEditor && variableEditor) {
      queryEditor.setValue(wanted.current.query);
      variableEditor.setValue(wanted.current.variables);
      wanted.current = null;
      run();
    } else {
      const showAnswer = (response) => {
        responseEditor.setValue(response);
        updateActiveTabValues({ response });
      };
      tabs.opened(tab.id, all, { run: isAnother ? run : () => {}, showAnswer });
    }
  }, [tab.id, all.join(), isSubscribed]);

  useLayoutEffect(() => {
    // Responses are JSON objects. Any other text is GraphiQL's own message that the variables are no JSON.
    if (tab.response && !tab.response.startsWith("{")) tabs.notSent(tab.response);
  }, [tab.response]);

  // On devices without hovering, such as phones, the user puts the cursor on an id.
  const [chosen, setChosen] = useState(null);
  useLayoutEffect(() => {
    const look = (editor) => setChosen(nodeId(editor, editor.getCursor().line, editor.getTokenAt(editor.getCursor())));
    responseEditor?.on("cursorActivity", look);
    return () => responseEditor?.off("cursorActivity", look);
  }, [responseEditor]);

  if (chosen) {
    return h("button", { type: "button", className: "open-node", onClick: () => openNode(chosen) }, OPEN);
  }
  if (tab.response || responseEditor?.getValue()) return null;
  return h("p", { className: "hint" }, hint(tab, isFetching || isSubscribed || tabs.isWaiting(tab.id)));
}

function hint({ query }, isRunning) {
  const { kind } = identify({ query: query ?? "" });
  if (isRunning) return kind === "subscription" ? "Waiting for the first message …" : "Waiting for the answer …";
  if (!query?.trim()) return "Write an operation, or pick its fields in the explorer, then press ▶.";
  const how = "Press ▶ or Ctrl-Enter to ";
  return {
    query: `${how}run this query: its result appears here.`,
    mutation: `${how}send this command: its receipt, or the reason for a refusal, appears here.`,
    subscription: `${how}start: messages appear here, newest first, and continue while you use other tabs.`,
  }[kind];
}

/** A button over an id in a result, which opens the node in a new tab. */
export function NodeLink({ pos, token }) {
  const id = nodeId(resultEditor, pos.line, token);
  if (!id) return null;
  const open = ({ currentTarget }) => {
    currentTarget.closest(".CodeMirror-info").remove();
    openNode(id);
  };
  return h("button", { type: "button", className: "open-node", onClick: open }, OPEN);
}

/** Return the global id in a token of a result, or null if it is something else, such as a UUID. */
function nodeId(editor, line, token) {
  const [, id] = /^"([\w-]+={0,2})"$/.exec(token.string) ?? [];
  const [, key] = /"(\w+)":\s*"[^"]*",?$/.exec(editor.getLine(line)) ?? [];
  const isGlobal = /^(id|subject|\w+Id)$/.test(key ?? "") && !/^[0-9a-f-]{36}$/.test(id ?? "");
  return isGlobal ? (id ?? null) : null;
}

/** Return a query for the fields of a node of this type. */
function nodeQuery(schema, typeName) {
  const type = typeName && schema?.getType(typeName);
  const shown = type ? `... on ${typeName} { ${plainFields(type, 2)} }` : "id";
  const query = `query ${typeName ?? "Node"}($id: ID!) { node(id: $id) { __typename ${shown} } }`;
  return GraphiQL.GraphQL.print(GraphiQL.GraphQL.parse(query));
}

/** Return the selection of a type's fields that take no arguments, no deeper than `levels`. */
function plainFields(type, levels) {
  const { getNamedType, isCompositeType, isObjectType } = GraphiQL.GraphQL;
  return Object.values(type.getFields())
    .filter(({ args, deprecationReason }) => args.length === 0 && !deprecationReason)
    .map((field) => {
      const inner = getNamedType(field.type);
      if (!isCompositeType(inner)) return field.name;
      const within = levels > 1 && isObjectType(inner) ? plainFields(inner, levels - 1) : "";
      return within && `${field.name} { ${within} }`;
    })
    .join(" ");
}
