import { requestSubscription, type Environment, type GraphQLTaggedNode, type Variables } from "relay-runtime";
import { keeping, type List } from "./live-list.ts";

/**
 * Follows a list with Relay; returns how to leave it. In a component:
 *
 *   useEffect(() => followList(environment, ordersUpdated, variables, setList, setError), [environment, variables]);
 *
 * Select the fields of the nodes in the subscription itself: fragments would be masked.
 */
export const followList = <Edge>(
  environment: Environment,
  subscription: GraphQLTaggedNode,
  variables: Variables,
  show: (list: List<Edge>) => void,
  fail: (error: Error) => void,
): (() => void) => {
  const take = keeping(show);
  const following = requestSubscription<{ response: object; variables: Variables }>(environment, {
    subscription,
    variables,
    onNext: take,
    onError: fail,
  });
  return () => following.dispose();
};
