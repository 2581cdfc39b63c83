/** What a TLS handshake needs, as node:tls names it. */
export type Tls = {
  readonly ca?: string | Buffer | undefined;
  readonly cert?: string | Buffer | undefined;
  readonly key?: string | Buffer | undefined;
  readonly servername?: string | undefined;
  readonly rejectUnauthorized?: boolean | undefined;
};

/** A port of a pod that an API server forwards: where it is asked for that, and as whom. */
export type Tunnel = {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly tls?: Tls | undefined;
  readonly proxy?: string | false | undefined;
};

export type HttpRequest = {
  readonly method: string;
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | undefined;
  readonly tls?: Tls | undefined;
  /** The URL of an HTTP proxy, or `false` for none. By default the one that the environment names for this URL. */
  readonly proxy?: string | false | undefined;
  /** On a connection of its own, which ends with the answer. By default connections are kept for the next request. */
  readonly ownConnection?: boolean | undefined;
  /** The request goes through it; where it cannot be opened, why not is the answer. */
  readonly tunnel?: Tunnel | undefined;
  /** A longer answer is none. By default there is no limit. */
  readonly mostBytes?: number | undefined;
  readonly signal?: AbortSignal | undefined;
};

export type HttpAnswer = {
  readonly status: number;
  /** Lower-case names; a header that came several times is joined by commas. */
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
};

/** One request and its whole answer: no time limit, no second try, no following, no opinion about the status. */
export interface Transport {
  /** Rejects with the system's error, or with the signal's reason. */
  send(request: HttpRequest): Promise<HttpAnswer>;
}
