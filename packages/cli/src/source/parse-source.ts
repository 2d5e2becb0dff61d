import type { Syntax } from './syntax.ts'

export type ParseSource = (path: string, text: string) => Syntax

/** Loads a parser for JavaScript and TypeScript: when it is needed, since most commands do not. It throws a SyntaxError for what it cannot read. */
export async function loadParser(): Promise<ParseSource> {
  const [{ Parser }, { tsPlugin }] = await Promise.all([import('acorn'), import('@sveltejs/acorn-typescript')])
  const plain = Parser.extend(tsPlugin())
  const withJsx = Parser.extend(tsPlugin({ jsx: true }))
  return (path, text) =>
    // `<T>value` is a type in a .ts file, and an element elsewhere.
    (/\.[cm]?ts$/.test(path) ? plain : withJsx).parse(text, {
      ecmaVersion: 'latest',
      sourceType: 'module',
      locations: true,
      allowHashBang: true,
      allowReturnOutsideFunction: true,
    }) as unknown as Syntax
}
