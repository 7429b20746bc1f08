/** A pod as far as it is looked into. */
export interface Pod {
  name: string;
  /** Where its operations port answers; undefined as long as it has no address. */
  operations: string | undefined;
}

export interface FrontProxy {
  /** PEM of who signs for the API server when it hands requests on. */
  authority: string;
  /** Common names that it uses; none means any. */
  names: readonly string[];
}

interface PodList {
  items: {
    metadata: { name: string; deletionTimestamp?: string };
    spec: { containers: { ports?: { name?: string; containerPort: number }[] }[] };
    status: { podIP?: string };
  }[];
}

/** The few questions that are asked of Kubernetes. */
export class KubernetesApi {
  readonly #url: string;
  readonly #token: (() => string) | undefined;

  /** @param token asked for each time, since Kubernetes gives out a new one each hour; none by `kubectl proxy` */
  constructor(url: string, token?: () => string) {
    this.#url = url;
    this.#token = token;
  }

  /** Pods of a namespace with these labels; without those that are about to go, whose work nobody shall count. @throws Error with the status */
  async pods(namespace: string, labelSelector: string): Promise<Pod[]> {
    const { items } = (await this.#get(`/api/v1/namespaces/${namespace}/pods?labelSelector=${encodeURIComponent(labelSelector)}`)) as PodList;
    return items
      .filter(({ metadata }) => metadata.deletionTimestamp === undefined)
      .map(({ metadata: { name }, spec, status: { podIP } }) => {
        const port = spec.containers.flatMap(({ ports = [] }) => ports).find((found) => found.name === 'operations')?.containerPort;
        return { name, operations: podIP === undefined || port === undefined ? undefined : `http://${podIP}:${port}` };
      });
  }

  /** https://kubernetes.io/docs/tasks/extend-kubernetes/configure-aggregation-layer/#kubernetes-apiserver-client-authentication @throws Error with the status */
  async frontProxy(): Promise<FrontProxy> {
    const { data } = (await this.#get('/api/v1/namespaces/kube-system/configmaps/extension-apiserver-authentication')) as { data: Record<string, string> };
    return { authority: data['requestheader-client-ca-file'] ?? '', names: JSON.parse(data['requestheader-allowed-names'] ?? '[]') as string[] };
  }

  async #get(path: string): Promise<unknown> {
    const answer = await fetch(`${this.#url}${path}`, { headers: this.#token ? { authorization: `Bearer ${this.#token()}` } : {}, signal: AbortSignal.timeout(5_000) });
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
    return await answer.json();
  }
}
