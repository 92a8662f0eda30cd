// Rows as the probe parses them, from the cells of a kind of GPU.
import { chooseColumns, type Column, parseFieldHelp } from "../../../../agent/gpu/smi/fields.ts";
import { parseRow, type Row } from "../../../../agent/gpu/smi/parse-row.ts";
import { cellOf, type GpuKind, helpOf } from "../../../support/gpu/kinds.ts";

const columnsByKind = new Map<GpuKind, Column[]>();

export function columnsOf(kind: GpuKind): Column[] {
  const columns = columnsByKind.get(kind) ?? chooseColumns(parseFieldHelp(helpOf(kind)));
  columnsByKind.set(kind, columns);
  return columns;
}

export function lineOf(kind: GpuKind, cells: Readonly<Record<string, string>>): string {
  return columnsOf(kind).map(({ name }) => cellOf(kind, cells, name)).join(", ");
}

export function rowOf(kind: GpuKind, cells: Readonly<Record<string, string>>): Row {
  const row = parseRow(lineOf(kind, cells), columnsOf(kind));
  if (row === null) throw new Error(`no row of ${kind.name}`);
  return row;
}
