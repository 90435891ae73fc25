<?php

/**
 * The zones of the panel, as Plesk would send them.
 */
class Modules_Nsbridge_Zones
{
    /**
     * Returns the domains and their aliases, by name.
     *
     * @return array of pm_Domain and pm_DomainAlias
     */
    public static function all(): array
    {
        $all = [];
        foreach (pm_Domain::getAllDomains() as $domain) {
            $all[$domain->getName()] = $domain;
            foreach (pm_DomainAlias::getByDomain($domain) as $alias) {
                $all[$alias->getName()] = $alias;
            }
        }
        ksort($all);
        return $all;
    }

    /**
     * @return string[]
     */
    public static function names(): array
    {
        return array_map('strval', array_keys(self::all()));
    }

    /**
     * Returns the command that brings a zone up to date.
     *
     * @throws pm_Exception that says why Plesk does not send the zone
     */
    public static function update(string $name): array
    {
        $all = self::all();
        if (!isset($all[$name])) {
            throw new pm_Exception(pm_Locale::lmsg('zoneOfNoDomain', ['zone' => $name]));
        }
        $domain = $all[$name];
        $owner = $domain instanceof pm_DomainAlias ? $domain->getDomain() : $domain;
        if ($owner->isSuspended() || $owner->isDisabled() || !$owner->isActive()) {
            throw new pm_Exception(pm_Locale::lmsg('zoneOfInactive', ['zone' => $name]));
        }
        $zone = $domain->getDnsZone();
        if (rtrim((string) $zone->getName(), '.') !== $name) {
            throw new pm_Exception(pm_Locale::lmsg('zoneOfParent', ['zone' => $name]));
        }
        if (!$zone->isEnabled()) {
            throw new pm_Exception(pm_Locale::lmsg('zoneOff', ['zone' => $name]));
        }
        if (!$zone->isMaster()) {
            throw new pm_Exception(pm_Locale::lmsg('zoneSecondary', ['zone' => $name]));
        }
        return ['command' => 'update', 'zone' => [
            'name' => "$name.",
            'soa' => self::soa($zone->getSoaRecord()),
            'rr' => array_map(['self', 'record'], $zone->getRecords()),
        ]];
    }

    /**
     * Returns the fields that the panel tells an extension. nsbridge leaves the others as they are.
     */
    private static function soa(pm_Dns_SoaRecord $soa): array
    {
        return [
            'type' => 'master',
            'status' => 0,
            'ttl' => $soa->getTtl(),
            'refresh' => $soa->getRefresh(),
            'retry' => $soa->getRetry(),
            'expire' => $soa->getExpire(),
            'minimum' => $soa->getMinimum(),
        ];
    }

    private static function record(pm_Dns_Record $record): array
    {
        $host = (string) $record->getHost();
        // A relative name would be read as another name, and the record that it stands for be removed.
        if (substr($host, -1) !== '.' && !filter_var($host, FILTER_VALIDATE_IP)) {
            throw new pm_Exception(pm_Locale::lmsg('zoneRelative', ['host' => $host]));
        }
        return [
            'host' => $host,
            'type' => (string) $record->getType(),
            'opt' => (string) $record->getOption(),
            'value' => (string) $record->getValue(),
            'ttl' => $record->getTtl(),
        ];
    }
}
