import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import ts from 'typescript'

/** Editor features at positions of a virtual file, from TypeScript's language service. */
export interface Editor {
  /** Names that completion offers at a marker. */
  completions(marker: string): readonly string[]
  /** Type and JSDoc that hovering the identifier before a marker shows. */
  hover(marker: string): { readonly type: string; readonly docs: string } | undefined
  /** Errors of the file. */
  readonly errors: readonly string[]
  /**
   * Instantiations of types, which determine the time that a check takes, and do not depend on the machine.
   */
  readonly instantiations: number
}

/**
 * Opens a file whose positions are marked with comments such as `/*▮a*\/`. The markers stay in the file.
 */
export function openEditor(folder: string, name: string, text: string): Editor {
  const path = join(folder, name)
  const options: ts.CompilerOptions = {
    target: ts.ScriptTarget.ES2023,
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
    strict: true,
    noEmit: true,
    skipLibCheck: true,
    allowImportingTsExtensions: true,
    customConditions: ['@sluice/source'],
    types: ['node'],
  }
  const host: ts.LanguageServiceHost = {
    getCompilationSettings: () => options,
    getScriptFileNames: () => [path],
    getScriptVersion: () => '1',
    getScriptSnapshot: (file) => {
      if (file === path) return ts.ScriptSnapshot.fromString(text)
      return ts.sys.fileExists(file) ? ts.ScriptSnapshot.fromString(readFileSync(file, 'utf8')) : undefined
    },
    getCurrentDirectory: () => dirname(path),
    getDefaultLibFileName: ts.getDefaultLibFilePath,
    fileExists: (file) => file === path || ts.sys.fileExists(file),
    readFile: (file) => (file === path ? text : ts.sys.readFile(file)),
    readDirectory: ts.sys.readDirectory,
    directoryExists: ts.sys.directoryExists,
    getDirectories: ts.sys.getDirectories,
    ...(ts.sys.realpath === undefined ? {} : { realpath: ts.sys.realpath }),
  }
  const service = ts.createLanguageService(host, ts.createDocumentRegistry())
  const at = (marker: string) => {
    const position = text.indexOf(`/*▮${marker}*/`)
    if (position < 0) throw new Error(`no marker ${marker}`)
    return position
  }
  const textOf = (parts: readonly ts.SymbolDisplayPart[] | undefined) =>
    ts.displayPartsToString(parts ? [...parts] : [])
  return {
    completions: (marker) => {
      const found = service.getCompletionsAtPosition(path, at(marker), {})
      return (found?.entries ?? []).map((entry) => entry.name).sort()
    },
    hover: (marker) => {
      const found = service.getQuickInfoAtPosition(path, at(marker) - 1)
      return found && { type: textOf(found.displayParts), docs: textOf(found.documentation) }
    },
    get errors() {
      return service
        .getSemanticDiagnostics(path)
        .map((found) => ts.flattenDiagnosticMessageText(found.messageText, '\n'))
    },
    get instantiations() {
      const program = service.getProgram()
      if (program === undefined) throw new Error('no program')
      program.getSemanticDiagnostics(program.getSourceFile(path))
      return (program as ts.Program & { getInstantiationCount(): number }).getInstantiationCount()
    },
  }
}
