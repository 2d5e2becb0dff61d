import { highlightSql, linesOfSql } from './highlight.ts'

/** A highlighted statement, for details rather than lists. */
export function Sql({ text }: { text: string }) {
  return (
    <pre class="code">
      <code>
        {highlightSql(linesOfSql(text)).map((token, index) =>
          token.kind === 'plain' ? (
            token.text
          ) : (
            <span key={index} class={`sql-${token.kind}`}>
              {token.text}
            </span>
          ),
        )}
      </code>
    </pre>
  )
}
