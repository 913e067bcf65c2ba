/** What `GET /` says: what this is, and every control route. */
export function indexPage(): string {
  return `Zonekeeper's simulator of the Cloudflare API (zones and DNS records). Not Cloudflare; everything is in memory.

API, as at https://developers.cloudflare.com/api/ :
  GET    /client/v4/user/tokens/verify
  GET    /client/v4/accounts/{account_id}/tokens/verify
  GET    /client/v4/zones                                     GET /client/v4/zones/{zone_id}
  GET    /client/v4/zones/{zone_id}/dns_records               POST
  GET    /client/v4/zones/{zone_id}/dns_records/{id}          PATCH, PUT, DELETE
  POST   /client/v4/zones/{zone_id}/dns_records/batch
  GET    /client/v4/zones/{zone_id}/dns_records/usage

Control (JSON; no token, not limited, not counted):
  POST   /_simulator/seed        {"zones":[{"name","plan","quota","status","records":[...]}]}
  GET    /_simulator/zones       DELETE /_simulator/zones/{name}
  GET    /_simulator/records     ?zone= &name= &type= &content= &comment=   all records, streamed
  POST   /_simulator/records     {"type","name","content",...}              a person adds a record, or a list of them
  PATCH  /_simulator/records     {"name","type","content","set":{...}}      a person edits all records that fit
  DELETE /_simulator/records     ?name= &type= &content= &id=               a person deletes all records that fit
  POST   /_simulator/faults      {"operation","method","path","zone","count","after","probability","effect":{"kind",...}}
         effects: status html reset lost hang delay slow truncated limited stale refuse
  GET    /_simulator/faults      DELETE /_simulator/faults[/{id}]           clearing lets held requests go on
  GET    /_simulator/tokens      PUT {"tokens":[...]|null}                  PATCH {"token","status","access","zones"}
  GET    /_simulator/settings    PATCH {"latency_ms","rate_limit":{"requests","window_ms","kind","block_ms"}|null,"rate_limit_headers"}
  GET    /_simulator/counters    DELETE
  GET    /_simulator/requests    ?since=
  GET    /_simulator/changes     ?since= &zone= &name= &actor=api|person
  POST   /_simulator/reset
`;
}
