export interface Column<TLine> {
  readonly title: string
  readonly align: 'left' | 'right'
  /** The columns with the highest number go first where the line is too short; `0`: never. */
  readonly expendable: number
  cell(line: TLine): string
}

const GAP = '  '

/** A table of strings: its head, then one row per line. */
export function formatColumns<TLine>(
  columns: readonly Column<TLine>[],
  lines: readonly TLine[],
  width: number,
): string[] {
  const cells = (column: Column<TLine>) => [column.title, ...lines.map((line) => column.cell(line))]
  const widths = new Map(
    columns.map((column) => [column, Math.max(...cells(column).map((cell) => cell.length))]),
  )
  const shown = fitting(widths, width)
  const row = (cellOf: (column: Column<TLine>) => string) => {
    const texts = shown.map((column) => {
      const [text, room] = [cellOf(column), widths.get(column) ?? 0]
      return column.align === 'left' ? text.padEnd(room) : text.padStart(room)
    })
    return texts.join(GAP).trimEnd()
  }
  return [row((column) => column.title), ...lines.map((line) => row((column) => column.cell(line)))]
}

/** Leaves columns out until a line fits. */
function fitting<TLine>(widths: ReadonlyMap<Column<TLine>, number>, width: number): readonly Column<TLine>[] {
  let columns = [...widths.keys()]
  const needed = () =>
    columns.reduce((sum, column) => sum + (widths.get(column) ?? 0) + GAP.length, -GAP.length)
  while (needed() > width) {
    const worst = Math.max(...columns.map((column) => column.expendable))
    if (worst === 0) break
    columns = columns.filter((column) => column.expendable < worst)
  }
  return columns
}
