// Kysely's SQLite dialect, but for the DDL and the locks of PostgreSQL: so that migrations and queries are written once.
import {
  type ColumnDefinitionNode,
  type CreateTableNode,
  type SelectModifierNode,
  SqliteAdapter,
  SqliteQueryCompiler,
} from 'kysely';

export class PortableSqliteCompiler extends SqliteQueryCompiler {
  /**
   * SQLite counts up only the one integer that is the primary key. Where a table has an identity column beside its key, the
   * identity becomes SQLite's primary key and the key a unique column: foreign keys may refer to it all the same.
   */
  protected override visitCreateTable(node: CreateTableNode): void {
    const hasIdentity = node.columns.some(isIdentity);
    super.visitCreateTable(hasIdentity ? { ...node, columns: node.columns.map(withoutPrimaryKey) } : node);
  }

  protected override visitColumnDefinition(node: ColumnDefinitionNode): void {
    if (!isIdentity(node)) {
      super.visitColumnDefinition(node);
      return;
    }
    this.visitNode(node.column);
    this.append(' integer primary key autoincrement');
  }

  /** `for update`, `skip locked`: a transaction here is the only one that writes from its beginning on. */
  protected override visitSelectModifier(node: SelectModifierNode): void {
    if (node.modifier === 'Distinct') super.visitSelectModifier(node);
  }
}

function isIdentity({ generated }: ColumnDefinitionNode): boolean {
  return generated?.identity === true;
}

function withoutPrimaryKey(column: ColumnDefinitionNode): ColumnDefinitionNode {
  return column.primaryKey && !isIdentity(column)
    ? { ...column, primaryKey: false, unique: true, notNull: true }
    : column;
}

/** SQLite's DDL is transactional: a migration that fails leaves nothing behind, and two processes never migrate at once. */
export class TransactionalSqliteAdapter extends SqliteAdapter {
  override get supportsTransactionalDdl(): boolean {
    return true;
  }
}
