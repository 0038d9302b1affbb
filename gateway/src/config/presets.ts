// Sets of settings for common deployments, as the source's tuning guide gives them (§10, "Deployment profiles"). Weaker than the
// environment: a preset is where one starts from. Features that are not built here are off anyway and not named.

const mcpOnly: Record<string, string> = {
  MCPGATEWAY_UI_ENABLED: 'false',
  MCPGATEWAY_ADMIN_API_ENABLED: 'false',
  MCPGATEWAY_A2A_ENABLED: 'false',
  MCPGATEWAY_CATALOG_ENABLED: 'false',
  LLMCHAT_ENABLED: 'false',
  PLUGINS_ENABLED: 'false',
  OBSERVABILITY_ENABLED: 'false',
  ENABLE_METRICS: 'false',
  AUDIT_TRAIL_ENABLED: 'false',
  SECURITY_LOGGING_ENABLED: 'false',
  STRUCTURED_LOGGING_DATABASE_ENABLED: 'false',
  CORRELATION_ID_ENABLED: 'false',
  DB_METRICS_RECORDING_ENABLED: 'false',
  MCPGATEWAY_PERFORMANCE_NET_CONNECTIONS_ENABLED: 'false',
  COMPRESSION_ENABLED: 'false',
  DISABLE_ACCESS_LOG: 'true',
  AUTH_CACHE_ENABLED: 'true',
  REGISTRY_CACHE_ENABLED: 'true',
  MCP_SESSION_POOL_ENABLED: 'true',
  CACHE_TYPE: 'redis',
};

const fullFeatured: Record<string, string> = {
  MCPGATEWAY_UI_ENABLED: 'true',
  MCPGATEWAY_ADMIN_API_ENABLED: 'true',
  PLUGINS_ENABLED: 'true',
  OBSERVABILITY_ENABLED: 'false',
  ENABLE_METRICS: 'false',
  AUDIT_TRAIL_ENABLED: 'false',
  STRUCTURED_LOGGING_DATABASE_ENABLED: 'false',
  SECURITY_LOGGING_ENABLED: 'false',
  DB_METRICS_RECORDING_ENABLED: 'true',
  AUTH_CACHE_ENABLED: 'true',
  AUTH_CACHE_BATCH_QUERIES: 'true',
  REGISTRY_CACHE_ENABLED: 'true',
  MCP_SESSION_POOL_ENABLED: 'true',
  CACHE_TYPE: 'redis',
};

const development: Record<string, string> = {
  MCPGATEWAY_UI_ENABLED: 'true',
  MCPGATEWAY_ADMIN_API_ENABLED: 'true',
  OBSERVABILITY_ENABLED: 'true',
  ENABLE_METRICS: 'true',
  DB_METRICS_RECORDING_ENABLED: 'true',
  DB_QUERY_LOG_ENABLED: 'true',
  STRUCTURED_LOGGING_DATABASE_ENABLED: 'true',
  LOG_LEVEL: 'info',
  CORRELATION_ID_ENABLED: 'true',
  PERFORMANCE_TRACKING_ENABLED: 'true',
};

export const presets = { 'mcp-only': mcpOnly, 'full-featured': fullFeatured, development };
export type PresetName = keyof typeof presets;

export function isPreset(name: string): name is PresetName {
  return name in presets;
}
