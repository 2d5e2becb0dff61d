import type { ServerNode } from '@sluice/core'
import type { buildConnector } from 'undici'
import type { NodeTlsOptions } from './proxy-options.ts'

export function originOf(node: ServerNode, tls: NodeTlsOptions | undefined): string {
  return `${tls === undefined ? 'http' : 'https'}://${node.id}`
}

/** How connections to nodes are made. */
export function connectOptions(timeout: number, tls: NodeTlsOptions | undefined): buildConnector.BuildOptions {
  const { ca, ...rest } = tls ?? {}
  return { timeout, ...rest, ...(ca === undefined ? {} : { ca: Array.isArray(ca) ? [...ca] : (ca as string | Buffer) }) }
}
