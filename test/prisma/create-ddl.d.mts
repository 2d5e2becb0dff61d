/** The part of Prisma's schema engine that the tests use. */
export interface Engine {
  diff(params: unknown): Promise<{ readonly stdout: string }>
  applyMigrations(params: unknown): Promise<unknown>
  free(): void
}

export declare const engine: Promise<{
  new: (options: unknown, log: () => void, adapterFactory: unknown) => Promise<Engine>
}>

export declare function createDdl(
  provider: string,
  schema: { readonly path: string; readonly content: string },
): Promise<string>
