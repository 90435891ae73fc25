<?php

/**
 * Which domains go to the name server: all, chosen ones, or none. nsbridge itself holds to it (`deny-zones`).
 */
class Modules_Nsbridge_Choice
{
    public const ALL = 'all';
    public const CHOSEN = 'chosen';
    public const NONE = 'none';

    /**
     * Returns the suffixes that nsbridge denies, and their exceptions. The longest suffix decides.
     */
    public static function policy(array $settings): array
    {
        if ($settings['domains'] === self::ALL) {
            return ['deny' => [], 'except' => []];
        }
        if ($settings['domains'] === self::NONE) {
            return ['deny' => ['.'], 'except' => []];
        }
        if ($settings['newDomains']) {
            $others = array_diff($settings['known'], $settings['chosen']);
            return ['deny' => array_values($others), 'except' => $settings['chosen']];
        }
        // PTR records go by their networks.
        return ['deny' => ['.'], 'except' => array_merge($settings['chosen'], ['in-addr.arpa', 'ip6.arpa'])];
    }

    /**
     * Adds a domain to the chosen ones, or removes it, and puts that in force.
     */
    public static function change(string $domain, bool $isChosen): void
    {
        $settings = Modules_Nsbridge_Configuration::read();
        $settings['known'] = Modules_Nsbridge_Zones::names();
        $chosen = array_diff($settings['chosen'], [$domain]);
        $settings['chosen'] = array_values($isChosen ? array_merge($chosen, [$domain]) : $chosen);
        Modules_Nsbridge_Configuration::write($settings);
    }
}
